"""What a buyer's bank does about a payment: it opens a dispute or an inquiry, decides it, and moves its money."""

from datetime import timedelta
from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import instruments, ledger, new_disputes, refund_lifecycle, reviews
from sandbox.objects import state
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
# The status of a decision that the seller has appealed.
APPEALED = "appeal_under_review"
# What waits for the seller, and what becomes of it once evidence was sent: of a dispute, of an inquiry, and of a decision
# that is appealed (https://docs.stripe.com/changelog/endive/2026-10-28/evidence-submission-appeal-dispute-decisions).
ANSWERED = {
    "needs_response": "under_review",
    "warning_needs_response": "warning_under_review",
    "appeal_needs_response": APPEALED,
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
    if disputed is None:
        return
    amount = _left(charge) if disputed.inquiry else _left_for_the_bank(charge)
    if amount == 0:
        return
    charge.data["disputed"] = True
    state.save(charge)
    if disputed.final:
        _revoke_mandate(charge)
    row = state.insert(account=account, data=new_disputes.content(charge, disputed, amount))
    if not disputed.inquiry:
        _withdraw(row, amount)
    ask_for_an_answer(row, timedelta() if disputed.final else TIME_TO_ANSWER)
    reviews.close_of(charge, "disputed")


def submit(row: SandboxObject) -> None:
    """Sends the evidence of a locked dispute that waits for it to the bank, which decides at once where it has a test text.

    Any other evidence stays under review until the time to answer is over, and loses then: that rule is the sandbox's own.
    That a dispute is under review for a moment before it is decided is [reported]. `submission_method` tells of the evidence
    that answered the dispute itself, so that an appeal leaves it; that an appeal is counted is unverified.
    """
    row.data["evidence_details"]["submission_count"] += 1
    row.data["status"] = ANSWERED[row.data["status"]]
    if row.data["status"] != APPEALED:
        row.data["evidence_details"]["submission_method"] = "manual"
    state.save(row)
    if _deciding_text(row) in (WINNING, LOSING, ESCALATING):
        schedule.at(clock.now(), IS_DECIDED, row)


def decide(account: str, dispute: str) -> None:
    """A task: the bank, or its network, decides by the test text in what was sent to it.

    What only an inquiry can do, a dispute stays under review for.
    """
    row = locked(account, dispute)
    text = _deciding_text(row)
    if row.data["status"] not in ANSWERED.values():
        return
    if text in (WINNING, LOSING):
        finish(row, won=text == WINNING)
    elif text == ESCALATING and _is_inquiry(row):
        escalate(row)


def fall_due(account: str, dispute: str) -> None:
    """A task: the time to answer is over, and what is still open is lost; an inquiry is merely closed."""
    row = locked(account, dispute)
    # An inquiry that was escalated, or a decision that is appealed, has a later date than the one that was noted first.
    if is_open(row) and row.data["evidence_details"]["due_by"] <= clock.now_seconds():
        finish(row, won=False)


def finish(row: SandboxObject, *, won: bool) -> None:
    """Ends a dispute, or ends it anew, which is locked after its charge. An inquiry is closed, and never moved any money.

    A won dispute gives back what the bank has. One that was won before, and is lost after all, takes what refunds have left
    in between: "after the payment has been fully refunded, no further funds are withdrawn" (the SDK).
    """
    if _is_inquiry(row):
        row.data["status"] = "warning_closed"
        state.save(row)
        return
    row.data["status"] = "won" if won else "lost"
    state.save(row)
    if won and _withdrawn(row):
        _reinstate(row)
    elif not won and not _withdrawn(row):
        left = _left_for_the_bank(state.addressed(row.account, "charge", row.charge, param="id", lock=True))
        if left:
            _withdraw(row, left)


def escalate(row: SandboxObject) -> None:
    """Makes a dispute of a locked inquiry, whose charge is locked before it: the bank takes the money, and asks anew.

    The same dispute goes on, "and debits your account for the amount of the dispute and related fees"
    (https://docs.stripe.com/testing#disputes). That the amount is then what refunds have left is unverified. "After the payment
    has been fully refunded, no further funds are withdrawn" (the SDK): such an inquiry is closed instead, which is unverified.
    So are the new date, the type of case, and that what was sent stays.
    """
    left = _left_for_the_bank(state.addressed(row.account, "charge", row.charge, param="id", lock=True))
    if left == 0:
        finish(row, won=False)
        return
    row.data["payment_method_details"]["card"]["case_type"] = "chargeback"
    row.data["status"] = "needs_response"
    _withdraw(row, left)
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
    return charge.data["disputed"] and any(_withdrawn(row) for row in rows)


def _is_inquiry(row: SandboxObject) -> bool:
    details = row.data["payment_method_details"]
    return bool(details and details["card"]["case_type"] == "inquiry")


def _deciding_text(row: SandboxObject) -> str | None:
    """What the evidence of the present stage says where a test text may stand.

    That an appeal is decided by its reason is the sandbox's own rule: Stripe documents the texts for disputes alone.
    """
    evidence: dict[str, Any] = row.data["evidence"]
    if row.data["status"] != APPEALED:
        return evidence["uncategorized_text"]
    card = (evidence["appeal"] or {}).get("card") or {}
    return card.get("reason_for_filing")


def _left(charge: SandboxObject) -> int:
    """What refunds have left of a charge. What was held and never captured counts as refunded."""
    return int(charge.data["amount"] - charge.data["amount_refunded"])


def _left_for_the_bank(charge: SandboxObject) -> int:
    """What is left of a locked charge when its bank takes the money, in minor units: the refunds that still wait fail."""
    refund_lifecycle.charge_was_disputed(charge)
    return _left(charge)


def _withdrawn(row: SandboxObject) -> int:
    """What the bank has at present, in minor units."""
    return -sum(moved["amount"] for moved in row.data["balance_transactions"])


def _withdraw(row: SandboxObject, amount: int) -> None:
    """Takes this amount, which is then that of the dispute."""
    row.data["amount"] = amount
    fee = FEES.get(row.data["currency"], 0)
    _move(row, -amount, fee, "dispute", f"Chargeback withdrawal for {row.charge}")


def _reinstate(row: SandboxObject) -> None:
    """As documented, "your account is credited the amount of the charge and related fees": https://docs.stripe.com/testing#disputes."""
    fee = FEES.get(row.data["currency"], 0)
    _move(row, _withdrawn(row), -fee, "dispute_reversal", f"Chargeback reversal for {row.charge}")


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
    row.data["is_charge_refundable"] = not _withdrawn(row)
    state.save(row)


def _revoke_mandate(charge: SandboxObject) -> None:
    """Takes the mandate from what was charged: https://docs.stripe.com/payments/ach-direct-debit#disputed-payments."""
    method_id = charge.data["payment_method"]
    method = state.referred(charge.account, "payment_method", method_id, param="payment_method", lock=True)
    method.hidden["mandate"] = False
    state.save(method)
