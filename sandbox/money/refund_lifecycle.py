"""How a refund goes from one status to the next: by itself, by its charge, and as somebody orders it who plays the bank.

pending, insufficient_funds or charge_pending: has moved no money, and no bank has heard of it
pending, processing: taken from the balance, with the bank
requires_action: taken from the balance, and the buyer is to say where the money goes
succeeded: a bank may still send it back
failed, canceled: the ends; what was taken has come back
"""

from datetime import timedelta
from typing import Any

from sandbox.api.errors import StripeError
from sandbox.models import SandboxObject
from sandbox.money import coverage, instruments, ledger, refund_booking
from sandbox.money.refund_booking import CHARGE_PENDING, INSUFFICIENT_FUNDS
from sandbox.objects import journal, state
from sandbox.resources import application_fees
from sandbox.timeline import clock, schedule

REFUND_SETTLES = "refund_settles"
REFUND_FAILS = "refund_fails"
REFUND_IS_GIVEN_UP = "refund_is_given_up"
REFUND_EXPIRES = "refund_expires"
# "Some time later": https://docs.stripe.com/testing#refunds. Stripe publishes no number; an hour is the sandbox's own.
SETTLES_AFTER = timedelta(hours=1)
FAILS_AFTER = timedelta(hours=1)
# "Stripe automatically fails a pending refund after 45 days": https://support.stripe.com/questions/fix-your-pending-refund.
WAITS_AT_MOST = timedelta(days=45)
# "Customers have 45 days … to submit bank account details. After 45 days without a valid response, Stripe cancels the
# refund": https://docs.stripe.com/payments/customer-balance/refunding, of bank transfers.
ACTION_LASTS = timedelta(days=45)
# The SDK on `failure_reason` of a refund.
FAILURE_REASONS = (
    "lost_or_stolen_card",
    "expired_or_canceled_card",
    "charge_for_pending_refund_disputed",
    "insufficient_funds",
    "declined",
    "merchant_request",
    "unknown",
)
# A reserved domain (RFC 2606): the buyer of a charge that names no address.
NOBODY = "buyer@example.com"


def proceed(charge: SandboxObject, row: SandboxObject) -> None:
    """Sends a locked refund to the bank where the balance may pay for it, else lets it wait for money.

    Where the balance has to cover it the account is locked by the caller, so that no two take the same money. That it has to
    cover the whole amount, and not what is left of it after the application fee that comes back, is unverified.
    """
    currency, amount = row.data["currency"], row.data["amount"]
    if coverage.may_go_below_zero(row.account) or ledger.available(row.account, currency) >= amount:
        _send(charge, row)
    elif row.data.get("pending_reason") != INSUFFICIENT_FUNDS:
        _wait_for_money(row)


def wait_for_charge(row: SandboxObject) -> None:
    """Lets a new refund wait until its charge, which is pending itself, has succeeded."""
    refund_booking.become(row, "pending", pending_reason=CHARGE_PENDING)


def charge_succeeded(charge: SandboxObject) -> None:
    """The refunds that waited for a locked charge, which is booked by now, go on."""
    for row in _waiting_refunds(charge, CHARGE_PENDING):
        if coverage.may_go_below_zero(row.account):
            _send(charge, row)
        else:  # what the balance has is read under the account's lock, which comes before the charge's
            _wait_for_money(row)
            coverage.plan(row.account)


def charge_failed(charge: SandboxObject) -> None:
    """The refunds that waited for a locked charge, which has failed, are canceled.

    "If the payment fails, the full or partial refund will be marked as cancelled because the money was never debited":
    https://support.stripe.com/questions/refunds-for-ach-direct-debit-payments. That no `failure_reason` is told is unverified.
    """
    for row in _waiting_refunds(charge, CHARGE_PENDING):
        refund_booking.undo(charge, row, "canceled", None)


def charge_was_disputed(charge: SandboxObject) -> None:
    """The refunds of a locked charge that still wait fail, as its bank has taken the money by now.

    "In the event a charge with a 'pending' refund is disputed by the cardholder's bank, the refund will fail and a dispute
    will be created": https://support.stripe.com/questions/pending-refunds-due-to-insufficient-funds-or-stripe-balance.
    """
    for row in _waiting_refunds(charge, *refund_booking.WAITS_FOR):
        refund_booking.undo(charge, row, "failed", "charge_for_pending_refund_disputed")


def legal_moves(row: SandboxObject) -> tuple[str, ...]:
    """The statuses to which a bank, or the buyer, can bring a refund from where it is. An empty one can go nowhere.

    Of a refund that waits no bank has heard: Stripe alone may fail it. What was only held and released never moved money.
    """
    status = row.data["status"]
    if status == "pending":
        return ("failed",) if refund_booking.waits(row) else ("succeeded", "requires_action", "failed")
    if status == "requires_action":
        return ("succeeded", "pending", "failed")
    return ("failed",) if status == "succeeded" and row.data["balance_transaction"] else ()


def order(refund: str, status: str, failure_reason: str = "unknown") -> dict[str, Any]:
    """Moves a refund to a status as its bank or its buyer would, and answers it; `failure_reason` is for `failed` alone.

    Raises a 404 for an unknown refund, and a 400 that says which moves are legal, where this one is not.
    """
    with journal.change():
        charge, row = locked(state.anywhere(("refund",), refund, param="refund").account, refund)
        legal = legal_moves(row)
        if status not in legal:
            raise StripeError(
                f"This refund has a status of {spoken_status(row)} and cannot become {status}. "
                + (f"It can become: {', '.join(legal)}." if legal else "It can become nothing else."),
                param="status",
            )
        if status == "failed":
            refund_booking.undo(charge, row, "failed", failure_reason)
        elif status == "requires_action":
            _require_action(charge, row)
        elif status == "pending":
            _process(row)
        else:
            refund_booking.become(row, "succeeded")
        return row.data


def spoken_status(row: SandboxObject) -> str:
    """A refund's status, and why it is pending where it is."""
    reason = row.data.get("pending_reason")
    return f"{row.data['status']} ({reason})" if reason else str(row.data["status"])


def locked(account: str, refund: str) -> tuple[SandboxObject, SandboxObject]:
    """The charge of a refund and the refund itself, locked in this order. Raises a 404 where there is no such refund."""
    found = state.addressed(account, "refund", refund, param="id")
    charge = state.referred(account, "charge", found.charge, param="charge", lock=True)
    return charge, state.addressed(account, "refund", refund, param="id", lock=True)


def settle(account: str, refund: str) -> None:
    """A task: a refund that is with the bank succeeds, unless something else has become of it."""
    row = state.addressed(account, "refund", refund, param="id", lock=True)
    is_processing = row.data.get("pending_reason") == "processing"
    # One that was put back to pending meanwhile has a later task of its own.
    if is_processing and clock.now_seconds() >= row.hidden.get("settles_at", 0):
        refund_booking.become(row, "succeeded")


def fail(account: str, refund: str) -> None:
    """A task: the buyer's bank sends a refund back, which was answered as succeeded; which reason it gives is unverified."""
    charge, row = locked(account, refund)
    if row.data["status"] == "succeeded":
        refund_booking.undo(charge, row, "failed", "expired_or_canceled_card")


def give_up(account: str, refund: str) -> None:
    """A task: a refund that has waited for money for too long fails."""
    charge, row = locked(account, refund)
    if row.data.get("pending_reason") == INSUFFICIENT_FUNDS:
        refund_booking.undo(charge, row, "failed", "insufficient_funds")


def expire_due(account: str, refund: str) -> None:
    """A task: the buyer has not said where the money goes, unless that was asked anew meanwhile."""
    charge, row = locked(account, refund)
    asked = row.data.get("next_action")
    if asked and clock.now_seconds() >= asked["display_details"]["expires_at"]:
        expire(charge, row)


def expire(charge: SandboxObject, row: SandboxObject) -> None:
    """Ends a locked refund whose buyer did not act: Stripe cancels it. That it names no `failure_reason` is unverified."""
    refund_booking.undo(charge, row, "canceled", None)


def try_again(_: str, account_id: str) -> None:
    """A task: an account's refunds that wait for money go through, the oldest first, each that the balance covers."""
    state.find("", "account", account_id, lock=True)
    waiting = list(coverage.waiting_refunds(account_id))
    charges = state.locked(account_id, "charge", {row.charge for row in waiting})
    refunds = state.locked(account_id, "refund", {row.stripe_id for row in waiting})
    # Of which each refund may give back a share.
    state.locked(application_fees.PLATFORM, "application_fee", {row.data["application_fee"] or "" for row in charges.values()})
    for row in refunds.values():
        if refund_booking.waits(row):
            proceed(charges[row.charge], row)


def _send(charge: SandboxObject, row: SandboxObject) -> None:
    refund_booking.pay(charge, row)
    card = instruments.card_of(charge) if instruments.is_card(charge) else None
    if card and card.refund_status == "pending":
        _process(row)
        return
    refund_booking.become(row, "succeeded")
    if card and card.refund_fails:
        schedule.at(clock.now() + FAILS_AFTER, REFUND_FAILS, row)


def _process(row: SandboxObject) -> None:
    """Leaves a refund with the bank, which takes it some time later."""
    settles_at = clock.now() + SETTLES_AFTER
    row.hidden["settles_at"] = int(settles_at.timestamp())
    refund_booking.become(row, "pending", pending_reason="processing")
    schedule.at(settles_at, REFUND_SETTLES, row)


def _wait_for_money(row: SandboxObject) -> None:
    refund_booking.become(row, "pending", pending_reason=INSUFFICIENT_FUNDS)
    schedule.at(clock.now() + WAITS_AT_MOST, REFUND_IS_GIVEN_UP, row)


def _require_action(charge: SandboxObject, row: SandboxObject) -> None:
    """Asks the buyer where the money is to go. No card's refund needs that: it stands for the methods whose refunds do."""
    expires_at = clock.now() + ACTION_LASTS
    email = charge.data["billing_details"]["email"] or charge.data["receipt_email"] or NOBODY
    shown = {
        "email_sent": {"email_sent_at": clock.now_seconds(), "email_sent_to": email},
        "expires_at": int(expires_at.timestamp()),
    }
    refund_booking.become(row, "requires_action", next_action={"display_details": shown, "type": "display_details"})
    schedule.at(expires_at, REFUND_EXPIRES, row)


def _waiting_refunds(charge: SandboxObject, *reasons: str) -> list[SandboxObject]:
    """The refunds of a locked charge that wait for one of these reasons, the oldest first, locked too."""
    rows = SandboxObject.objects.select_for_update().filter(account=charge.account, object_type="refund", charge=charge.stripe_id)
    return list(rows.filter(data__status="pending", data__pending_reason__in=reasons).order_by("id"))
