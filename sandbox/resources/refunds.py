"""Refunds (https://docs.stripe.com/api/refunds): never more than was charged, however many are asked for at once."""

from typing import Any

from sandbox.api.errors import ParameterRefused, StripeError
from sandbox.api.pagination import list_page
from sandbox.api.parameters import METADATA, Boolean, Choice, Integer, Text, takes, takes_page
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import disputes, refund_booking, refund_lifecycle, reviews, settlement
from sandbox.money.currencies import spoken
from sandbox.objects import state
from sandbox.resources import application_fees

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
EXPIRE = takes()
LIST = takes_page(charge=Text(), payment_intent=Text())


def create(request: Request) -> dict[str, Any]:
    """Gives back a charge's money, the rest of it where no amount is sent.

    It waits where its charge is pending, or where the balance has to cover it and does not. Raises a 400 where nothing, or
    less than that, is left to give back.
    """
    sent = request.parameters
    state.find("", "account", request.account, lock=True)  # whose balance may have to cover it
    charge = _refundable_charge(request)
    amount = _refundable_amount(charge, sent.get("amount"))
    is_pending = charge.data["status"] == "pending"
    if not is_pending:
        settlement.settle(charge)
    gives_fee_back = sent.get("refund_application_fee", False)
    if gives_fee_back:
        application_fees.require_one(charge)
    row = refund_booking.insert(charge, amount, sent.get("reason"), gives_fee_back=gives_fee_back)
    row.data["metadata"] = state.merged_metadata({}, sent.get("metadata", {}))
    if is_pending:
        refund_lifecycle.wait_for_charge(row)
    else:
        refund_lifecycle.proceed(charge, row)
    reviews.close_refunded(charge, sent.get("reason"))
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
    """Takes back a refund that waits for its buyer's action. Raises a 400 in any other status (its text is unverified).

    The `failure_reason` is that of https://docs.stripe.com/api/refunds/cancel.
    """
    charge, row = _locked_in_action(request, refund, "cancel", "canceled")
    refund_booking.undo(charge, row, "canceled", "merchant_request")
    return row.data


def expire(request: Request, refund: str) -> dict[str, Any]:
    """Stripe's own help for tests: ends a refund that waits for its buyer's action, as if the buyer had been too late."""
    charge, row = _locked_in_action(request, refund, "expire", "expired")
    refund_lifecycle.expire(charge, row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """Refunds, newest first, of a charge or a payment intent where one is named."""
    filters = {name: request.parameters[name] for name in ("charge", "payment_intent") if name in request.parameters}
    return list_page(request, "refund", "/v1/refunds", **filters)


def _refundable_charge(request: Request) -> SandboxObject:
    """The charge to refund, locked after its intent."""
    charge_id = _named_charge(request)
    found = state.referred(request.account, "charge", charge_id, param="charge")
    state.find(request.account, "payment_intent", found.payment_intent, lock=True)
    charge = state.referred(request.account, "charge", charge_id, param="charge", lock=True)
    if charge.data["status"] == "pending":
        return charge
    if charge.data["status"] != "succeeded" or not charge.data["captured"]:
        if charge.data["refunded"]:
            raise StripeError(f"Charge {charge_id} has already been refunded.", code="charge_already_refunded")
        raise StripeError(f"Charge {charge_id} cannot be refunded.", code="charge_not_refundable")
    if disputes.took_the_money_of(charge):
        raise StripeError(f"Charge {charge_id} has been charged back; cannot issue a refund.", code="charge_disputed")
    return charge


def _refundable_amount(charge: SandboxObject, asked: int | None) -> int:
    """How much of a charge is refunded, in minor units: what is asked for, or all that is left."""
    left: int = charge.data["amount"] - charge.data["amount_refunded"]
    if left == 0:
        raise StripeError(f"Charge {charge.stripe_id} has already been refunded.", code="charge_already_refunded")
    if asked is not None and asked > left:
        currency = charge.data["currency"]
        raise StripeError(
            f"Refund amount ({spoken(asked, currency)}) is greater than unrefunded amount on charge ({spoken(left, currency)})",
            param="amount",
        )
    return left if asked is None else asked


def _locked_in_action(request: Request, refund: str, verb: str, done: str) -> tuple[SandboxObject, SandboxObject]:
    """The charge and the refund, both locked. Raises a 400 where the refund does not wait for its buyer's action."""
    charge, row = refund_lifecycle.locked(request.account, refund)
    if row.data["status"] != "requires_action":
        raise StripeError(
            f"You cannot {verb} this refund because it has a status of {row.data['status']}. Only refunds with a status of "
            f"requires_action may be {done}."
        )
    return charge, row


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
