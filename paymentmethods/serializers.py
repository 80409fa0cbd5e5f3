"""What comes in for payment methods, and what goes out."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from commercecore_payments.serializers import FlagField, IdentifierField, OneOfField, StrictSerializer
from gateway.snapshots import SetupIntentSnapshot
from paymentmethods.models import PaymentMethod, Status


class SavePaymentMethodRequest(StrictSerializer):
    """The id of a payment method that the buyer made at Stripe. A card number has no place here."""

    payment_method_id = IdentifierField("pm")
    type = OneOfField(["card"], default="card")
    preferred = FlagField(required=False)


# As many as Stripe's own lists give at most (docs.stripe.com/api/pagination); 20 fill a page that a person looks at.
MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20


class PreferPaymentMethodRequest(StrictSerializer):
    """The address says it all."""


class ListPaymentMethodsRequest(StrictSerializer):
    """One page of a list: at most `limit`, from behind `starting_after` on."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE)
    starting_after = IdentifierField("pm", required=False)

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> dict[str, Any]:
        """What an address asks for. `app_id` tells who asks, and is not about the list."""
        asked = cls(data={name: value for name, value in query.items() if name != "app_id"})
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)


SAVING_MESSAGES: Mapping[str, str] = {
    Status.SAVED: "Payment method saved successfully",
    Status.REQUIRES_ACTION: "Payment method requires action by the buyer before it is saved",
    Status.SAVING: "Payment method is being saved",
    Status.FAILED: "Payment method could not be saved",
    Status.DETACHING: "Payment method is being detached",
    Status.DETACHED: "Payment method was detached",
}


def saved_payment_method(method: PaymentMethod, setup: SetupIntentSnapshot | None) -> dict[str, Any]:
    data = {"message": SAVING_MESSAGES[method.status], **payment_method_details(method)}
    if method.status == Status.REQUIRES_ACTION and setup is not None:
        data |= {"next_action": setup.next_action, "client_secret": setup.client_secret}
    return data


def payment_method_details(method: PaymentMethod) -> dict[str, Any]:
    return {
        "payment_method_id": method.stripe_payment_method_id,
        "status": method.status,
        "type": method.type,
        "brand": method.brand,
        "last4": method.last4,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
        "preferred": method.preferred,
        "user_id": method.customer.user_id,
    }


def payment_method_list(methods: Sequence[PaymentMethod], *, has_more: bool) -> dict[str, Any]:
    return {"payment_methods": [payment_method_details(method) for method in methods], "has_more": has_more}
