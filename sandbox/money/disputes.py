"""What a buyer's bank does about a payment: it opens a dispute or an inquiry, decides it, and moves its money."""

from datetime import datetime, timedelta
from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import ledger
from sandbox.money.cards import CARDS, CardDispute
from sandbox.objects import ids, state
from sandbox.timeline import clock, schedule

OPENS = "dispute_opens"
IS_DECIDED = "dispute_is_decided"
FALLS_DUE = "dispute_falls_due"
# How long a seller may answer. Networks give 7 to 21 days (https://docs.stripe.com/disputes/responding): the shortest.
TIME_TO_ANSWER = timedelta(days=7)
# "$15.00 for disputes": https://stripe.com/pricing, for a payment in US dollars. Stripe prices the other currencies by
# the account's country, of which the sandbox knows none: disputes in them are free of a fee here.
FEES = {"usd": 1500}
# The texts that decide a test dispute (https://docs.stripe.com/testing#disputes).
WINNING, LOSING = "winning_evidence", "losing_evidence"
# The SDK's fields of evidence that are texts or ids of files; the sandbox keeps no files, so an id may be any.
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
# What stands where: (of a dispute, of an inquiry).
NEEDS_RESPONSE = ("needs_response", "warning_needs_response")
UNDER_REVIEW = ("under_review", "warning_under_review")


def expect(charge: SandboxObject) -> None:
    """Notes that the bank will dispute a captured charge, where its card is one that is disputed."""
    if CARDS[charge.hidden["card"]].dispute:
        schedule.at(clock.now(), OPENS, charge)


def open_dispute(account: str, charge_id: str) -> None:
    """A task: the bank disputes what is left of a charge after its refunds; of one that was refunded whole, nothing."""
    found = state.addressed(account, "charge", charge_id, param="id")
    state.find(account, "payment_intent", found.payment_intent, lock=True)
    charge = state.addressed(account, "charge", charge_id, param="id", lock=True)
    disputed = CARDS[charge.hidden["card"]].dispute
    # What was held and never captured counts as refunded, so that this is what the seller still has.
    amount = charge.data["amount"] - charge.data["amount_refunded"]
    if disputed is None or amount == 0:
        return
    charge.data["disputed"] = True
    state.save(charge)
    row = state.insert(account=account, data=_fresh(charge, disputed, amount))
    if not disputed.inquiry:
        _withdraw(row)
    schedule.at(_due_by(row), FALLS_DUE, row)


def submit(row: SandboxObject) -> None:
    """Sends the evidence of a locked dispute to the bank, which decides at once where it has a test text.

    Any other evidence stays under review until the time to answer is over, and loses then: that rule is the sandbox's
    own, Stripe's test mode decides on the test texts alone. That a decided dispute is under review for a moment is unverified.
    """
    row.data["evidence_details"] |= {"submission_count": 1, "submission_method": "manual"}
    row.data["status"] = UNDER_REVIEW[_is_inquiry(row)]
    state.save(row)
    if row.data["evidence"]["uncategorized_text"] in (WINNING, LOSING):
        schedule.at(clock.now(), IS_DECIDED, row)


def decide(account: str, dispute: str) -> None:
    """A task: the bank decides by the test text in the evidence."""
    row = state.addressed(account, "dispute", dispute, param="id", lock=True)
    if is_open(row):
        finish(row, won=row.data["evidence"]["uncategorized_text"] == WINNING)


def fall_due(account: str, dispute: str) -> None:
    """A task: the time to answer is over, and what is still open is lost; an inquiry is merely closed."""
    row = state.addressed(account, "dispute", dispute, param="id", lock=True)
    if is_open(row):
        finish(row, won=False)


def finish(row: SandboxObject, *, won: bool) -> None:
    """Ends a locked dispute. A won one gives the money and the fee back; an inquiry is closed, and never moved any."""
    if _is_inquiry(row):
        row.data["status"] = "warning_closed"
    else:
        row.data["status"] = "won" if won else "lost"
        if won:
            _reinstate(row)
    state.save(row)


def is_open(row: SandboxObject) -> bool:
    """Whether a dispute is still to be answered or decided."""
    return row.data["status"] in NEEDS_RESPONSE + UNDER_REVIEW


def took_the_money_of(charge: SandboxObject) -> bool:
    """Whether a bank has disputed a charge: not merely asked about it, which takes no money.

    A won dispute counts too; whether Stripe refunds such a charge again is unverified, and refusing is the safe side.
    """
    rows = SandboxObject.objects.filter(account=charge.account, object_type="dispute", charge=charge.stripe_id)
    return charge.data["disputed"] and any(not _is_inquiry(row) for row in rows)


def _is_inquiry(row: SandboxObject) -> bool:
    return bool(row.data["payment_method_details"]["card"]["case_type"] == "inquiry")


def _due_by(row: SandboxObject) -> datetime:
    return row.created_at + TIME_TO_ANSWER


def _withdraw(row: SandboxObject) -> None:
    fee = FEES.get(row.data["currency"], 0)
    _move(row, -row.data["amount"], fee, "dispute", f"Chargeback withdrawal for {row.charge}")


def _reinstate(row: SandboxObject) -> None:
    """As documented, "your account is credited the amount of the charge and related fees": https://docs.stripe.com/testing#disputes."""
    fee = FEES.get(row.data["currency"], 0)
    _move(row, row.data["amount"], -fee, "dispute_reversal", f"Chargeback reversal for {row.charge}")


def _move(row: SandboxObject, amount: int, fee: int, category: str, description: str) -> None:
    currency = row.data["currency"]
    booked = ledger.book(
        account=row.account,
        type="adjustment",
        amount=amount,
        currency=currency,
        source=row.stripe_id,
        fees=[ledger.fee_detail("stripe_fee", fee, currency, description="Dispute fee")] if fee else [],
        reporting_category=category,
        description=description,
    )
    row.data["balance_transactions"].append(booked.data)
    state.save(row)


def _fresh(charge: SandboxObject, disputed: CardDispute, amount: int) -> dict[str, Any]:
    return {
        "id": ids.new_stripe_id("dispute"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge.stripe_id,
        "created": clock.now_seconds(),
        "currency": charge.data["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(EVIDENCE) | {"enhanced_evidence": {}},
        "evidence_details": _no_evidence(),
        "is_charge_refundable": disputed.inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.data["payment_intent"],
        "payment_method_details": _details(charge, disputed),
        "reason": disputed.reason,
        "status": NEEDS_RESPONSE[disputed.inquiry],
    }


def _no_evidence() -> dict[str, Any]:
    return {
        "due_by": int((clock.now() + TIME_TO_ANSWER).timestamp()),
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }


def _details(charge: SandboxObject, disputed: CardDispute) -> dict[str, Any]:
    card = charge.data["payment_method_details"]["card"]
    return {
        "card": {
            "brand": card["brand"],
            "case_type": "inquiry" if disputed.inquiry else "chargeback",
            "network": card["network"],
            "network_reason_code": disputed.network_reason_code,
        },
        "type": "card",
    }
