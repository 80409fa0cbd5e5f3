"""What a refund does: to the sum that is refunded of its charge, and to the books of the account."""

from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import instruments, ledger, payout_schedule
from sandbox.objects import ids, state
from sandbox.resources import application_fees
from sandbox.timeline import clock

# Why a refund is pending that has moved no money so far: https://docs.stripe.com/changelog/basil/2025-04-30/refund-pending-reason.
INSUFFICIENT_FUNDS, CHARGE_PENDING = "insufficient_funds", "charge_pending"
WAITS_FOR = (INSUFFICIENT_FUNDS, CHARGE_PENDING)


def insert(charge: SandboxObject, amount: int, reason: str | None, *, gives_fee_back: bool = False) -> SandboxObject:
    """A new refund of a locked charge, in minor units; it has moved no money yet, and its caller says what becomes of it.

    It counts in the charge's refunded sum from now on, while it waits as well, so that no more can be refunded than was
    paid; that Stripe counts waiting refunds there is unverified. `gives_fee_back` is kept until the refund is paid.
    """
    charge.data["amount_refunded"] += amount
    charge.data["refunded"] = charge.data["amount_refunded"] == charge.data["amount"]
    state.save(charge)
    data = {
        "id": ids.new_stripe_id("refund" if instruments.is_card(charge) else "refund_of_bank_debit"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge.stripe_id,
        "created": clock.now_seconds(),
        "currency": charge.data["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": _destination(charge),
        "metadata": {},
        "payment_intent": charge.data["payment_intent"],
        "payment_method": None,
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    return state.insert(account=charge.account, data=data, hidden={"gives_fee_back": gives_fee_back})


def release(charge: SandboxObject, *, reason: str | None = None) -> None:
    """Gives up what was held and not captured, which Stripe records as a refund of the rest [reported].

    No money moves: what was only held was never booked.
    """
    rest = charge.data["amount"] - charge.data["amount_captured"]
    if rest:
        insert(charge, rest, reason)
    else:
        state.save(charge)


def pay(charge: SandboxObject, row: SandboxObject) -> None:
    """Takes a locked refund from the balance, once and at once, even where the bank answers later (unverified).

    The application fee, where it is to be given back, comes back in this moment and not while a refund waits (unverified):
    a refund that never goes through has then cost the platform nothing.
    """
    fee = application_fees.give_back_share(charge, row.data["amount"]) if row.hidden.get("gives_fee_back") else 0
    row.data["balance_transaction"] = _book(charge, row, fee).stripe_id
    state.save(row)


def undo(charge: SandboxObject, row: SandboxObject, status: str, failure_reason: str | None) -> None:
    """Ends a locked refund that does not reach the buyer: what it took comes back, and may be refunded anew.

    That the charge's refunded sum goes back is unverified. An application fee that was given back with the refund stays
    given back (unverified as well).
    """
    charge.data["amount_refunded"] -= row.data["amount"]
    charge.data["refunded"] = False
    state.save(charge)
    if row.data["balance_transaction"]:
        row.data["failure_balance_transaction"] = _book_return(row).stripe_id
    else:
        payout_schedule.plan(row.account)  # what was kept for a refund that waited
    if failure_reason:
        row.data["failure_reason"] = failure_reason
    become(row, status)


def become(row: SandboxObject, status: str, *, pending_reason: str = "", next_action: dict[str, Any] | None = None) -> None:
    """Gives a locked refund another status, and what belongs to that status alone."""
    for name, value in (("pending_reason", pending_reason), ("next_action", next_action)):
        row.data.pop(name, None)
        if value:
            row.data[name] = value
    row.data["status"] = status
    state.save(row)


def waits(row: SandboxObject) -> bool:
    """Whether a refund waits for money or for its charge, so that no bank has heard of it."""
    return row.data["status"] == "pending" and row.data["pending_reason"] in WAITS_FOR


def _destination(charge: SandboxObject) -> dict[str, Any]:
    if instruments.is_card(charge):
        return {"card": {"type": "refund" if charge.data["captured"] else "reversal"}, "type": "card"}
    # The only transfer to an account in the United States among the SDK's destinations; unverified for bank debits.
    return {"type": "us_bank_transfer", "us_bank_transfer": {}}


def _book(charge: SandboxObject, refund: SandboxObject, fee: int) -> SandboxObject:
    """Takes a refund from the balance; Stripe keeps its own fee.

    The application fee that comes back with it is a negative line of its fees (unverified).
    """
    data = refund.data
    taken_by = charge.data["application"]
    description = f"{taken_by} application fee refund"
    returned = ledger.fee_detail("application_fee", -fee, data["currency"], application=taken_by, description=description)
    return ledger.book(
        account=refund.account,
        # "Refunds … for cards versus alternative payment methods have the distinct types refund and payment_refund":
        # https://docs.stripe.com/reports/reporting-categories.
        type="refund" if instruments.is_card(charge) else "payment_refund",
        amount=-data["amount"],
        currency=data["currency"],
        source=refund.stripe_id,
        reporting_category="refund",
        description="REFUND FOR CHARGE" + (f" ({charge.data['description']})" if charge.data["description"] else ""),
        fees=[returned] if fee else [],
    )


def _book_return(refund: SandboxObject) -> SandboxObject:
    """The same for a refund that fails and for one that is canceled: https://docs.stripe.com/api/refunds/cancel shows a
    canceled one with a `failure_balance_transaction`, whose type it does not show.
    """
    return ledger.book(
        account=refund.account,
        type="refund_failure",
        amount=refund.data["amount"],
        currency=refund.data["currency"],
        source=refund.stripe_id,
        reporting_category="refund_failure",
        description="REFUND FAILURE",
    )
