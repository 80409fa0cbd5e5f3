"""What comes in for refunds, and what goes out."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from commercecore_payments.dry_runs import DRY_RUN, NOTHING_WAS_DONE
from commercecore_payments.pages import Page
from commercecore_payments.queries import STARTING_AFTER, ListQuery
from commercecore_payments.serializers import (
    AmountField,
    FlagField,
    IdentifierField,
    MetadataField,
    OneOfField,
    StrictSerializer,
    TextField,
)
from refunds.dry_runs import RefundPreview
from refunds.models import Reason, Refund, Status


class RefundRequest(StrictSerializer):
    """Of the order's payment. Without `amount` all that is left. Read by `read_refund_request`."""

    order_id = TextField(help_text="Whose payment is refunded. It, or `transaction_id`, and not both.")
    transaction_id = IdentifierField("pi", required=False, help_text="The payment itself, such as one that has no order.")
    account_id = IdentifierField("acct", help_text="The seller, who gives the money back.")
    amount = AmountField(required=False, help_text="What goes back, in minor units; without it all that is left.")
    reason = OneOfField(Reason.values, required=False, help_text="Why, for Stripe's records.")
    refund_application_fee = FlagField(
        default=False, help_text="The platform's share goes back to the seller too, in proportion."
    )
    metadata = MetadataField(required=False, help_text="Texts under names of your own, handed back in reads and events.")
    dry_run = FlagField(default=False, help_text=DRY_RUN)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "order_id" in attrs and "transaction_id" in attrs:
            raise serializers.ValidationError({"transaction_id": ["Name the order or the transaction, and not both."]})
        return attrs


class RefundOfNamedPaymentRequest(RefundRequest):
    """Of the payment that is named, as one that has no order."""

    order_id = TextField(required=False)


def read_refund_request(data: Any) -> dict[str, Any]:
    """What was asked for, of an order or of a payment. Raises ValidationError.

    A serializer for each: all requests share it, and one that changed between them would refuse another request's body.
    """
    kind = RefundOfNamedPaymentRequest if "transaction_id" in data else RefundRequest
    return kind.read(data)


# Those of a refund that Stripe has made, which alone are listed.
LISTED_STATUSES = [status for status in Status if status not in (Status.CREATING, Status.CREATION_FAILED)]


class ListRefundsQuery(ListQuery):
    starting_after = IdentifierField("re", "pyr", required=False, help_text=STARTING_AFTER)
    order_id = TextField(required=False, help_text="Those of this order.")
    transaction_id = IdentifierField("pi", required=False, help_text="Those of this payment.")
    account_id = IdentifierField("acct", required=False, help_text="Those of this seller.")
    status = OneOfField(LISTED_STATUSES, required=False, help_text="Those that were last seen so.")
    user_id = TextField(required=False, help_text="Those for which this `X-User-ID` asked.")
    amount = AmountField(required=False, help_text="Those of exactly this amount, in minor units, in any currency.")


# Stripe settles most refunds at once; the others say so.
REFUND_MESSAGES: Mapping[str, str] = {
    Status.SUCCEEDED: "Refund processed successfully",
    Status.FAILED: "Refund failed",
    Status.CANCELED: "Refund was canceled",
}
REFUND_UNDER_WAY = "Refund requested successfully"


def refund_message(refund: Refund) -> str:
    return REFUND_MESSAGES.get(refund.status, REFUND_UNDER_WAY)


def requested_refund(refund: Refund) -> dict[str, Any]:
    return {
        "message": refund_message(refund),
        "refund_id": refund.stripe_refund_id,
        "status": refund.status,
        "amount": refund.amount_minor,
        "currency": refund.currency,
        "order_id": refund.transaction.order_id or None,
        "transaction_id": refund.transaction.stripe_payment_intent_id,
    }


def foreseen_refund(preview: RefundPreview) -> dict[str, Any]:
    """What a dry run of a refund tells: what would go back, what could still be refunded afterwards, and what of the fee."""
    payment = preview.payment
    return {
        "message": NOTHING_WAS_DONE,
        "dry_run": True,
        "amount": preview.amount_minor,
        "currency": payment.currency,
        "order_id": payment.order_id or None,
        "transaction_id": payment.stripe_payment_intent_id,
        "account_id": payment.account.stripe_account_id,
        "amount_left": preview.left_minor,
        "application_fee_amount": preview.application_fee_minor,
    }


def refund_list(page: Page[Refund]) -> dict[str, Any]:
    return {"refunds": [refund_facts(refund) for refund in page.rows], "has_more": page.has_more}


def refund_details(refund: Refund) -> dict[str, Any]:
    return {"message": refund_message(refund), **refund_facts(refund)}


def refund_facts(refund: Refund) -> dict[str, Any]:
    """The refund as a read of it and its events show it. One made past this service has no user."""
    return {
        "refund_id": refund.stripe_refund_id,
        "version": refund.version,
        "status": refund.status,
        "amount": refund.amount_minor,
        "currency": refund.currency,
        "order_id": refund.transaction.order_id or None,
        "transaction_id": refund.transaction.stripe_payment_intent_id,
        "account_id": refund.transaction.account.stripe_account_id,
        "user_id": refund.user_id or None,
        "external": refund.external,
        "reason": refund.reason,
        "failure_reason": refund.failure_reason,
        "refund_application_fee": refund.refund_application_fee,
        "metadata": refund.metadata,
        "created": int(refund.created_at.timestamp()),
    }
