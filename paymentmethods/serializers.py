"""What comes in for payment methods, and what goes out."""

from collections.abc import Mapping
from typing import Any

from commercecore_payments.pages import Page
from commercecore_payments.queries import STARTING_AFTER, ListQuery
from commercecore_payments.serializers import FlagField, IdentifierField, OneOfField, StrictSerializer
from gateway.snapshots import SetupIntentSnapshot
from paymentmethods.models import PaymentMethod, Status


class SavePaymentMethodRequest(StrictSerializer):
    """The id of a payment method that the buyer made at Stripe. A card number has no place here."""

    payment_method_id = IdentifierField("pm", help_text="One that the buyer's browser made on the platform, and not on a seller.")
    type = OneOfField(["card"], default="card", help_text="Cards alone are saved.")
    preferred = FlagField(required=False, help_text="`true` makes it the user's preferred card, instead of the one before.")


class PreferPaymentMethodRequest(StrictSerializer):
    """The address says it all."""


class ListPaymentMethodsQuery(ListQuery):
    starting_after = IdentifierField("pm", required=False, help_text=STARTING_AFTER)


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


def payment_method_list(page: Page[PaymentMethod]) -> dict[str, Any]:
    return {"payment_methods": [payment_method_details(method) for method in page.rows], "has_more": page.has_more}
