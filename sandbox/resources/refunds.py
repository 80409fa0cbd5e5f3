"""Refunds (https://docs.stripe.com/api/refunds): never more than was charged, however many are asked for at once."""

from datetime import timedelta
from typing import Any

from sandbox.api.errors import ParameterRefused, StripeError
from sandbox.api.pagination import list_page
from sandbox.api.parameters import METADATA, Boolean, Choice, Integer, Text, takes, takes_page
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import disputes, ledger, settlement
from sandbox.money.cards import CARDS, Card
from sandbox.money.currencies import spoken
from sandbox.objects import ids, state
from sandbox.resources import application_fees
from sandbox.timeline import clock, schedule

REFUND_SETTLES = "refund_settles"
REFUND_FAILS = "refund_fails"
# "Some time later": https://docs.stripe.com/testing#refunds. Stripe publishes no number; an hour is the sandbox's own.
SETTLES_AFTER = timedelta(hours=1)
FAILS_AFTER = timedelta(hours=1)

CREATE = takes(
    amount=Integer(minimum=1),
    charge=Text(),
    payment_intent=Text(),
    metadata=METADATA,
    reason=Choice(("duplicate", "fraudulent", "requested_by_customer")),
    refund_application_fee=Boolean(),
).refusing("currency customer instructions_email origin reverse_transfer")
UPDATE = takes(metadata=METADATA)
RETRIEVE = takes()
CANCEL = takes()
LIST = takes_page(charge=Text(), payment_intent=Text())


def create(request: Request) -> dict[str, Any]:
    """Gives back a charge's money, the rest of it where no amount is sent.

    Raises a 400 where nothing, or less than that, is left to give back.
    """
    sent = request.parameters
    charge = _refundable_charge(request)
    left = charge.data["amount"] - charge.data["amount_refunded"]
    if left == 0:
        raise StripeError(f"Charge {charge.stripe_id} has already been refunded.", code="charge_already_refunded")
    amount = sent.get("amount", left)
    if amount > left:
        currency = charge.data["currency"]
        raise StripeError(
            f"Refund amount ({spoken(amount, currency)}) is greater than unrefunded amount on charge ({spoken(left, currency)})",
            param="amount",
        )
    settlement.settle(charge)
    card = CARDS[charge.hidden["card"]]
    row = _insert(charge, amount, card.refund_status, sent.get("reason"))
    row.data["metadata"] = state.merged_metadata({}, sent.get("metadata", {}))
    fee = application_fees.give_back_share(charge, amount) if sent.get("refund_application_fee") else 0
    row.data["balance_transaction"] = _book(charge, row, fee).stripe_id
    state.save(row)
    _await_end(row, card)
    return row.data


def retrieve(request: Request, refund: str) -> dict[str, Any]:
    """The refund."""
    return state.addressed(request.account, "refund", refund, param="id").data


def update(request: Request, refund: str) -> dict[str, Any]:
    """Changes a refund's metadata, all that can be changed of it."""
    row = state.addressed(request.account, "refund", refund, param="id", lock=True)
    if "metadata" in request.parameters:
        row.data["metadata"] = state.merged_metadata(row.data["metadata"], request.parameters["metadata"])
        state.save(row)
    return row.data


def cancel(request: Request, refund: str) -> dict[str, Any]:
    """Refused: only a refund in `requires_action` can be canceled, and no card's ever is (text unverified)."""
    row = state.addressed(request.account, "refund", refund, param="id")
    raise StripeError(
        f"You cannot cancel this refund because it has a status of {row.data['status']}. Only refunds with a status of "
        "requires_action may be canceled."
    )


def list_(request: Request) -> dict[str, Any]:
    """Refunds, newest first, of a charge or a payment intent where one is named."""
    filters = {name: request.parameters[name] for name in ("charge", "payment_intent") if name in request.parameters}
    return list_page(request, "refund", "/v1/refunds", **filters)


def settle(account: str, refund: str) -> None:
    """A task: a pending refund succeeds."""
    row = state.addressed(account, "refund", refund, param="id", lock=True)
    row.data["status"] = "succeeded"
    row.data.pop("pending_reason")
    state.save(row)


def fail(account: str, refund: str) -> None:
    """A task: the buyer's bank sends a refund back, which was answered as succeeded.

    That the charge's refunded sum goes back, and which reason the test card gives, are unverified. An application fee that
    was given back with the refund stays given back (unverified as well).
    """
    found = state.addressed(account, "refund", refund, param="id")
    charge = state.referred(account, "charge", found.charge, param="charge", lock=True)
    row = state.addressed(account, "refund", refund, param="id", lock=True)
    charge.data["amount_refunded"] -= row.data["amount"]
    charge.data["refunded"] = False
    state.save(charge)
    row.data |= {
        "failure_balance_transaction": _book_failure(row).stripe_id,
        "failure_reason": "expired_or_canceled_card",
        "status": "failed",
    }
    state.save(row)


def release(charge: SandboxObject, *, reason: str | None = None) -> None:
    """Gives up what was held and not captured, which Stripe records as a refund of the rest [reported].

    No money moves: what was only held was never booked.
    """
    rest = charge.data["amount"] - charge.data["amount_captured"]
    if rest:
        _insert(charge, rest, "succeeded", reason)
    else:
        state.save(charge)


def _refundable_charge(request: Request) -> SandboxObject:
    """The charge to refund, locked after its intent."""
    charge_id = _named_charge(request)
    found = state.referred(request.account, "charge", charge_id, param="charge")
    state.find(request.account, "payment_intent", found.payment_intent, lock=True)
    charge = state.referred(request.account, "charge", charge_id, param="charge", lock=True)
    if charge.data["status"] != "succeeded" or not charge.data["captured"]:
        if charge.data["refunded"]:
            raise StripeError(f"Charge {charge_id} has already been refunded.", code="charge_already_refunded")
        raise StripeError(f"Charge {charge_id} cannot be refunded.", code="charge_not_refundable")
    if disputes.took_the_money_of(charge):
        raise StripeError(f"Charge {charge_id} has been charged back; cannot issue a refund.", code="charge_disputed")
    return charge


def _named_charge(request: Request) -> str:
    sent = request.parameters
    if ("charge" in sent) == ("payment_intent" in sent):
        raise ParameterRefused(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if "charge" in sent:
        return str(sent["charge"])
    intent = state.referred(request.account, "payment_intent", sent["payment_intent"], param="payment_intent")
    if not intent.data["latest_charge"]:
        raise StripeError(f"This PaymentIntent ({intent.stripe_id}) does not have a successful charge to refund.")
    return str(intent.data["latest_charge"])


def _await_end(row: SandboxObject, card: Card) -> None:
    if row.data["status"] == "pending":
        schedule.at(clock.now() + SETTLES_AFTER, REFUND_SETTLES, row)
    elif card.refund_fails:
        schedule.at(clock.now() + FAILS_AFTER, REFUND_FAILS, row)


def _book(charge: SandboxObject, refund: SandboxObject, fee: int) -> SandboxObject:
    """Takes a refund from the balance, at once even while it is pending (unverified); Stripe keeps its own fee.

    The application fee that comes back with it is a negative line of its fees (unverified).
    """
    data = refund.data
    taken_by = charge.data["application"]
    description = f"{taken_by} application fee refund"
    returned = ledger.fee_detail("application_fee", -fee, data["currency"], application=taken_by, description=description)
    return ledger.book(
        account=refund.account,
        type="refund",
        amount=-data["amount"],
        currency=data["currency"],
        source=refund.stripe_id,
        reporting_category="refund",
        description="REFUND FOR CHARGE" + (f" ({charge.data['description']})" if charge.data["description"] else ""),
        fees=[returned] if fee else [],
    )


def _book_failure(refund: SandboxObject) -> SandboxObject:
    return ledger.book(
        account=refund.account,
        type="refund_failure",
        amount=refund.data["amount"],
        currency=refund.data["currency"],
        source=refund.stripe_id,
        reporting_category="refund_failure",
        description="REFUND FAILURE",
    )


def _insert(charge: SandboxObject, amount: int, status: str, reason: str | None) -> SandboxObject:
    """A refund of a locked charge, whose sum it changes."""
    charge.data["amount_refunded"] += amount
    charge.data["refunded"] = charge.data["amount_refunded"] == charge.data["amount"]
    state.save(charge)
    data = {
        "id": ids.new_stripe_id("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge.stripe_id,
        "created": clock.now_seconds(),
        "currency": charge.data["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": {"card": {"type": "refund" if charge.data["captured"] else "reversal"}, "type": "card"},
        "metadata": {},
        "payment_intent": charge.data["payment_intent"],
        "payment_method": None,
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if status == "pending":
        data["pending_reason"] = "processing"
    return state.insert(account=charge.account, data=data)
