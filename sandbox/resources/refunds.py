"""Refunds (https://docs.stripe.com/api/refunds): never more than was charged, however many are asked for at once."""

from typing import Any

from sandbox import clock, ids, state
from sandbox.cards import CARDS
from sandbox.currencies import spoken
from sandbox.errors import ParameterRefused, StripeError
from sandbox.models import SandboxObject
from sandbox.pagination import list_page
from sandbox.parameters import METADATA, Boolean, Choice, Integer, Text, takes, takes_page
from sandbox.wire import Request

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
    row = _insert(charge, amount, CARDS[charge.hidden["card"]].refund_status, sent.get("reason"))
    row.data["metadata"] = state.merged_metadata({}, sent.get("metadata", {}))
    row.hidden["refund_application_fee"] = sent.get("refund_application_fee", False)
    state.save(row)
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


def release(charge: SandboxObject) -> None:
    """Gives up what was held and not captured, which Stripe records as a refund of the rest [reported]."""
    rest = charge.data["amount"] - charge.data["amount_captured"]
    if rest:
        _insert(charge, rest, "succeeded", None)
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
