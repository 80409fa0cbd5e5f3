"""What comes in for transactions, and what goes out."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import serializers

from commercecore_payments.serializers import (
    AddressField,
    AmountField,
    CurrencyField,
    IdentifierField,
    MetadataField,
    StrictSerializer,
    TextField,
)
from gateway.snapshots import PaymentIntentSnapshot
from transactions.errors import AccountIdMissing
from transactions.models import Status, Transaction


class CreateTransactionRequest(StrictSerializer):
    """`order_id` alone asks the order service; with `account_id` and `amount` the caller says what is to be paid."""

    order_id = TextField()
    account_id = IdentifierField("acct", required=False)
    amount = AmountField(required=False)
    currency = CurrencyField(required=False)
    return_url = AddressField(required=False)
    metadata = MetadataField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for one, other in (("account_id", "amount"), ("amount", "account_id")):
            if one in attrs and other not in attrs:
                raise serializers.ValidationError({other: ["This field is required."]})
        return attrs

    def validate_return_url(self, value: str) -> str:
        if settings.STRIPE_ENVIRONMENT == "live" and not value.lower().startswith("https://"):
            raise serializers.ValidationError("With a live key the address must be https.")
        return value


class ConfirmTransactionRequest(StrictSerializer):
    account_id = IdentifierField("acct")
    transaction_id = IdentifierField("pi")
    payment_method_id = IdentifierField("pm")

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and "account_id" not in data:
            raise AccountIdMissing(fields={"account_id": ["This field is required."]})
        return super().to_internal_value(data)


def created_transaction(payment: Transaction, intent: PaymentIntentSnapshot) -> dict[str, Any]:
    return {
        "client_secret": intent.client_secret,
        "status": payment.status,
        "transaction_id": payment.stripe_payment_intent_id,
    }


# What the documentation says of a confirmed payment, and what is true of the others.
CONFIRMATION_MESSAGES: Mapping[str, str] = {
    Status.SUCCEEDED: "Payment confirmed successfully",
    Status.REQUIRES_CAPTURE: "Payment confirmed successfully",
    Status.REQUIRES_ACTION: "Payment requires action by the buyer",
    Status.PROCESSING: "Payment is processing",
}


def confirmation_message(payment: Transaction) -> str:
    return CONFIRMATION_MESSAGES.get(payment.status, f"Payment is {payment.get_status_display()}")


def confirmed_transaction(payment: Transaction, intent: PaymentIntentSnapshot) -> dict[str, Any]:
    data: dict[str, Any] = {
        "message": confirmation_message(payment),
        "status_code": 200,
        "account_id": payment.account.stripe_account_id,
        "status": payment.status,
        "transaction_id": payment.stripe_payment_intent_id,
    }
    if payment.status == Status.REQUIRES_ACTION:
        data |= {"next_action": intent.next_action, "client_secret": intent.client_secret}
    return data


def transaction_details(payment: Transaction) -> dict[str, Any]:
    return {
        "transaction_id": payment.stripe_payment_intent_id,
        "status": payment.status,
        "order_id": payment.order_id,
        "account_id": payment.account.stripe_account_id,
        "user_id": payment.user_id,
        "amount": payment.amount_minor,
        "amount_received": payment.amount_received_minor,
        "amount_refunded": payment.amount_refunded_minor,
        "currency": payment.currency,
        "metadata": payment.metadata,
        "last_error": last_error(payment),
        "created": int(payment.created_at.timestamp()),
    }


def last_error(payment: Transaction) -> dict[str, str] | None:
    """Why the last attempt did not go through; None where there was no such attempt."""
    if not payment.error_code:
        return None
    return {"code": payment.error_code, "decline_code": payment.decline_code, "message": payment.error_message}
