"""What comes in for transactions, and what goes out."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from rest_framework import serializers

from commercecore_payments.dry_runs import DRY_RUN, NOTHING_WAS_DONE
from commercecore_payments.pages import Page
from commercecore_payments.queries import STARTING_AFTER, ListQuery
from commercecore_payments.serializers import (
    AddressField,
    AmountField,
    CurrencyField,
    FlagField,
    IdentifierField,
    MetadataField,
    OneOfField,
    StrictSerializer,
    TextField,
)
from gateway.models import Operation
from gateway.snapshots import PaymentIntentSnapshot
from transactions.dry_runs import CapturePreview
from transactions.errors import AccountIdMissing
from transactions.models import CANCELLATION_REASONS, MAX_STATEMENT_DESCRIPTOR_LENGTH, CaptureMethod, Status, Transaction


class StatementDescriptorSuffixField(TextField):
    """What a buyer reads on the statement behind the seller's own name, by Stripe's rules.

    https://docs.stripe.com/get-started/account/statement-descriptors
    """

    default_error_messages = {"letters": "Takes printable ASCII with at least one letter, and none of < > \\ ' \" *."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": MAX_STATEMENT_DESCRIPTOR_LENGTH, **options})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        plain = text.isascii() and text.isprintable() and not set(text) & set("<>\\'\"*")
        if not plain or not any(letter.isalpha() for letter in text):
            self.fail("letters")
        return text


class CreateTransactionRequest(StrictSerializer):
    """`order_id` alone asks the order service; with `account_id` and `amount` the caller says what is to be paid."""

    order_id = TextField(help_text="Your own id of what is paid for. One order is paid once.")
    account_id = IdentifierField("acct", required=False, help_text="The seller, who is paid.")
    amount = AmountField(required=False, help_text="What is paid, in minor units of the currency: 2500 are 25.00 USD.")
    currency = CurrencyField(required=False, help_text="Three letters; the seller's own currency unless it is named.")
    return_url = AddressField(
        required=False, help_text="Where the buyer comes back to from 3-D Secure. With a live key it has to be https."
    )
    metadata = MetadataField(required=False, help_text="Texts under names of your own, handed back in reads and events.")
    capture_method = OneOfField(
        CaptureMethod.values, default=CaptureMethod.AUTOMATIC, help_text="`manual` only holds the money, until it is captured."
    )
    application_fee_amount = AmountField(
        minimum=0, required=False, help_text="What the platform keeps, in minor units: at most the amount."
    )
    statement_descriptor_suffix = StatementDescriptorSuffixField(
        required=False, help_text="What the buyer reads on the statement behind the seller's name: at least one letter."
    )

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
    account_id = IdentifierField("acct", help_text="The seller, whom the transaction names too.")
    transaction_id = IdentifierField("pi", help_text="What `POST /transactions` has answered.")
    payment_method_id = IdentifierField(
        "pm", help_text="One that the buyer's browser made on the seller's account, or a saved card of the user's."
    )
    off_session = FlagField(
        default=False, help_text="The buyer is away: a card that asks for 3-D Secure is declined instead. For saved cards."
    )

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and "account_id" not in data:
            raise AccountIdMissing(fields={"account_id": ["This field is required."]})
        return super().to_internal_value(data)


class CaptureTransactionRequest(StrictSerializer):
    """Without `amount` all that is held is captured."""

    amount = AmountField(
        required=False, help_text="What is taken, in minor units, and all of it unless named. The rest of the hold is let go."
    )
    application_fee_amount = AmountField(
        minimum=0, required=False, help_text="What the platform keeps, in minor units, instead of what the transaction says."
    )
    dry_run = FlagField(default=False, help_text=DRY_RUN)


class CancelTransactionRequest(StrictSerializer):
    cancellation_reason = OneOfField(list(CANCELLATION_REASONS), required=False, help_text="Why, for Stripe's records.")


# Those of a payment that Stripe has made, which alone are listed.
LISTED_STATUSES = [status for status in Status if status not in (Status.CREATING, Status.CREATION_FAILED)]


class ListTransactionsQuery(ListQuery):
    starting_after = IdentifierField("pi", required=False, help_text=STARTING_AFTER)
    order_id = TextField(required=False, help_text="Those of this order.")
    account_id = IdentifierField("acct", required=False, help_text="Those of this seller.")
    status = OneOfField(LISTED_STATUSES, required=False, help_text="Those that were last seen so.")
    user_id = TextField(required=False, help_text="Those for which this `X-User-ID` asked.")
    amount = AmountField(required=False, help_text="Those of exactly this amount, in minor units, in any currency.")


def created_transaction(payment: Transaction, intent: PaymentIntentSnapshot | None) -> dict[str, Any]:
    """Without an intent, that of a deleted account, there is nothing to go on with."""
    return {
        "client_secret": intent.client_secret if intent is not None else None,
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


def confirmed_transaction(payment: Transaction, intent: PaymentIntentSnapshot | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "message": confirmation_message(payment),
        "status_code": 200,
        "account_id": payment.account.stripe_account_id,
        "status": payment.status,
        "transaction_id": payment.stripe_payment_intent_id,
    }
    if payment.is_held:
        data["capture_before"] = capture_before(payment)
    if payment.status == Status.REQUIRES_ACTION and intent is not None:
        data |= {"next_action": intent.next_action, "client_secret": intent.client_secret}
    return data


def capture_before(payment: Transaction) -> int | None:
    """The moment at which a hold lapses, in seconds since 1970; None where nothing is held."""
    return int(payment.capture_before.timestamp()) if payment.capture_before is not None else None


def changed_transaction(payment: Transaction, message: str) -> dict[str, Any]:
    """What came of a capture or a cancellation."""
    return {
        "message": message,
        "transaction_id": payment.stripe_payment_intent_id,
        "account_id": payment.account.stripe_account_id,
        "order_id": payment.order_id,
        "status": payment.status,
        **_amounts(payment),
    }


def foreseen_capture(preview: CapturePreview) -> dict[str, Any]:
    """What a dry run of a capture tells: what would be taken, what released, and the platform's share of it."""
    payment = preview.payment
    return {
        "message": NOTHING_WAS_DONE,
        "dry_run": True,
        "transaction_id": payment.stripe_payment_intent_id,
        "account_id": payment.account.stripe_account_id,
        "order_id": payment.order_id or None,
        "status": payment.status,
        "amount": preview.amount_minor,
        "amount_released": preview.released_minor,
        "application_fee_amount": preview.application_fee_minor,
        "currency": payment.currency,
    }


def _amounts(payment: Transaction) -> dict[str, Any]:
    return {
        "amount": payment.amount_minor,
        "amount_capturable": payment.amount_capturable_minor,
        "amount_received": payment.amount_received_minor,
        "amount_refunded": payment.amount_refunded_minor,
        "application_fee_amount": payment.application_fee_minor,
        "currency": payment.currency,
    }


def transaction_details(payment: Transaction, open_operations: Sequence[Operation]) -> dict[str, Any]:
    """`open_operations`: what is under way or undecided about the payment and its refunds."""
    return {
        **payment_facts(payment),
        "open_operations": [{"id": one.id, "kind": one.kind, "status": one.status} for one in open_operations],
    }


def transaction_list(page: Page[Transaction]) -> dict[str, Any]:
    """Without what is under way about each: that would ask the database again for each."""
    return {"transactions": [payment_facts(payment) for payment in page.rows], "has_more": page.has_more}


def payment_facts(payment: Transaction) -> dict[str, Any]:
    """The payment as a read of it and its events show it. One made past this service has no order and no user."""
    return {
        "transaction_id": payment.stripe_payment_intent_id,
        "version": payment.version,
        "status": payment.status,
        "order_id": payment.order_id or None,
        "account_id": payment.account.stripe_account_id,
        "user_id": payment.user_id or None,
        "external": payment.external,
        **_amounts(payment),
        "capture_method": payment.capture_method,
        "capture_before": capture_before(payment),
        "statement_descriptor_suffix": payment.statement_descriptor_suffix,
        "metadata": payment.metadata,
        "last_error": last_error(payment),
        "created": int(payment.created_at.timestamp()),
    }


def last_error(payment: Transaction) -> dict[str, str] | None:
    """Why the last attempt did not go through; None where there was no such attempt."""
    if not payment.error_code:
        return None
    return {"code": payment.error_code, "decline_code": payment.decline_code, "message": payment.error_message}
