"""What a buyer's bank does about a payment: it opens a dispute or an inquiry, decides it, and moves its money."""

from datetime import timedelta
from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import instruments, ledger, refund_lifecycle, reviews
from sandbox.money.cards import CardDispute
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
# The texts that decide a test dispute (https://docs.stripe.com/testing#disputes); the last one is about inquiries alone.
WINNING, LOSING, ESCALATING = "winning_evidence", "losing_evidence", "escalate_inquiry_evidence"
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
# What waits for the seller, and what becomes of it once evidence was sent: of a dispute, of an inquiry, and of a decision
# that is appealed (https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions).
ANSWERED = {
    "needs_response": "under_review",
    "warning_needs_response": "warning_under_review",
    "appeal_needs_response": "appeal_under_review",
}


def expect(charge: SandboxObject) -> None:
    """Notes that the bank will dispute a captured charge, where its card is one that is disputed."""
    if instruments.behaviour_of(charge).dispute:
        schedule.at(clock.now(), OPENS, charge)


def open_dispute(account: str, charge_id: str) -> None:
    """A task: the bank disputes what is left of a charge after its refunds; of one that was refunded whole, nothing."""
    found = state.addressed(account, "charge", charge_id, param="id")
    state.find(account, "payment_intent", found.payment_intent, lock=True)
    charge = state.addressed(account, "charge", charge_id, param="id", lock=True)
    disputed = instruments.behaviour_of(charge).dispute
    if disputed and not disputed.inquiry:
        refund_lifecycle.charge_was_disputed(charge)
    # What was held and never captured counts as refunded, so that this is what the seller still has.
    amount = charge.data["amount"] - charge.data["amount_refunded"]
    if disputed is None or amount == 0:
        return
    charge.data["disputed"] = True
    state.save(charge)
    if disputed.final:
        _revoke_mandate(charge)
    row = state.insert(account=account, data=_fresh(charge, disputed, amount))
    if not disputed.inquiry:
        _withdraw(row)
    ask_for_an_answer(row, timedelta() if disputed.final else TIME_TO_ANSWER)
    reviews.close_of(charge, "disputed")


def submit(row: SandboxObject) -> None:
    """Sends the evidence of a locked dispute that waits for it to the bank, which decides at once where it has a test text.

    Any other evidence, and that of an appeal, stays under review until the time to answer is over, and loses then: that rule
    is the sandbox's own. That a dispute is under review for a moment before it is decided is [reported].
    """
    row.data["evidence_details"]["submission_count"] += 1
    row.data["evidence_details"]["submission_method"] = "manual"
    row.data["status"] = ANSWERED[row.data["status"]]
    state.save(row)
    if row.data["evidence"]["uncategorized_text"] in (WINNING, LOSING, ESCALATING):
        schedule.at(clock.now(), IS_DECIDED, row)


def decide(account: str, dispute: str) -> None:
    """A task: the bank decides by the test text in the evidence. An appeal has none: what was sent before it is no part of it.

    What only an inquiry can do, a dispute stays under review for.
    """
    row = locked(account, dispute)
    text = row.data["evidence"]["uncategorized_text"]
    if row.data["status"] not in ("under_review", "warning_under_review"):
        return
    if text != ESCALATING:
        finish(row, won=text == WINNING)
    elif _is_inquiry(row):
        escalate(row)


def fall_due(account: str, dispute: str) -> None:
    """A task: the time to answer is over, and what is still open is lost; an inquiry is merely closed."""
    row = locked(account, dispute)
    # An inquiry that was escalated, or a decision that is appealed, has a later date than the one that was noted first.
    if is_open(row) and row.data["evidence_details"]["due_by"] <= clock.now_seconds():
        finish(row, won=False)


def finish(row: SandboxObject, *, won: bool) -> None:
    """Ends a locked dispute, or ends it anew. An inquiry is closed, and never moved any money.

    A won dispute gives the money and the fee back; one that was won before, and is lost after all, takes both again.
    """
    if _is_inquiry(row):
        row.data["status"] = "warning_closed"
    else:
        row.data["status"] = "won" if won else "lost"
        if won:
            _reinstate(row)
        elif not _is_withdrawn(row):
            _withdraw(row)
    state.save(row)


def escalate(row: SandboxObject) -> None:
    """Makes a dispute of a locked inquiry, whose charge is locked too: the bank takes the money, and asks anew.

    The same dispute goes on, "and debits your account for the amount of the dispute and related fees"
    (https://docs.stripe.com/testing#disputes); the amount is that of the inquiry, even where the charge was refunded in part
    in between [reported]. "After the payment has been fully refunded, no further funds are withdrawn" (the SDK): such an
    inquiry is closed instead, which is unverified. So are the new date, the type of case, and that what was sent stays.
    """
    charge = state.addressed(row.account, "charge", row.charge, param="id", lock=True)
    refund_lifecycle.charge_was_disputed(charge)
    if charge.data["refunded"]:
        finish(row, won=False)
        return
    row.data["payment_method_details"]["card"]["case_type"] = "chargeback"
    row.data["status"] = "needs_response"
    _withdraw(row)
    ask_for_an_answer(row)


def is_open(row: SandboxObject) -> bool:
    """Whether a dispute is still to be answered or decided."""
    return row.data["status"] in ANSWERED.keys() | ANSWERED.values()


def ask_for_an_answer(row: SandboxObject, time_to_answer: timedelta = TIME_TO_ANSWER) -> None:
    """Gives the seller of a locked dispute the time to answer from now on."""
    due_at = clock.now() + time_to_answer
    row.data["evidence_details"]["due_by"] = int(due_at.timestamp())
    state.save(row)
    schedule.at(due_at, FALLS_DUE, row)


def locked(account: str, dispute: str) -> SandboxObject:
    """The dispute of this id, locked after its payment and charge. Raises a 404 where there is none.

    So no refund passes while a bank decides whether to take the money.
    """
    found = state.addressed(account, "dispute", dispute, param="id")
    state.find(account, "payment_intent", found.payment_intent, lock=True)
    state.find(account, "charge", found.charge, lock=True)
    return state.addressed(account, "dispute", dispute, param="id", lock=True)


def took_the_money_of(charge: SandboxObject) -> bool:
    """Whether a bank has the money of a charge: it has not merely asked about it, nor given the money back.

    That a charge can be refunded again after a dispute about it was won is [reported].
    """
    rows = SandboxObject.objects.filter(account=charge.account, object_type="dispute", charge=charge.stripe_id)
    return charge.data["disputed"] and any(_is_withdrawn(row) for row in rows)


def _is_inquiry(row: SandboxObject) -> bool:
    details = row.data["payment_method_details"]
    return bool(details and details["card"]["case_type"] == "inquiry")


def _is_withdrawn(row: SandboxObject) -> bool:
    """Whether the bank has the money at present."""
    return sum(moved["amount"] for moved in row.data["balance_transactions"]) < 0


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
    row.data["is_charge_refundable"] = not _is_withdrawn(row)
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
        "evidence": dict.fromkeys(EVIDENCE) | {"appeal": None, "enhanced_evidence": {}},
        "evidence_details": _no_evidence(),
        "is_charge_refundable": True,  # until the bank takes the money
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.data["payment_intent"],
        "payment_method_details": _details(charge, disputed),
        "reason": disputed.reason,
        "status": "warning_needs_response" if disputed.inquiry else "needs_response",
    }


def _no_evidence() -> dict[str, Any]:
    return {
        "due_by": None,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }


def _revoke_mandate(charge: SandboxObject) -> None:
    """Takes the mandate from what was charged: https://docs.stripe.com/payments/ach-direct-debit#disputed-payments."""
    method_id = charge.data["payment_method"]
    method = state.referred(charge.account, "payment_method", method_id, param="payment_method", lock=True)
    method.hidden["mandate"] = False
    state.save(method)


def _details(charge: SandboxObject, disputed: CardDispute) -> dict[str, Any] | None:
    """What the dispute says of its card; of a bank debit the SDK has nothing to say."""
    card = charge.data["payment_method_details"].get("card")
    if card is None:
        return None
    return {
        "card": {
            "brand": card["brand"],
            "case_type": "inquiry" if disputed.inquiry else "chargeback",
            "network": card["network"],
            "network_reason_code": disputed.network_reason_code,
        },
        "type": "card",
    }
