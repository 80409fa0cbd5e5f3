"""The refunds, as the API's description shows them."""

from accounts.schema import OF_ACCOUNT
from commercecore_payments.openapi.operations import OF_STRIPE, OF_STRIPE_READ, AppSchema, Described, Link
from commercecore_payments.openapi.shapes import (
    amount,
    closed,
    const,
    count,
    currency,
    flag,
    identifier,
    list_of,
    map_of,
    moment,
    nullable,
    one_of,
    ref,
    text,
)
from refunds import errors, serializers
from refunds.models import Reason, Status
from transactions.errors import TransactionNotFound

REFUND_ID = identifier("(?:re|pyr)", "The refund's id, which is Stripe's.")
STATUS = one_of(Status.values)
REQUESTED = {
    "refund_id": REFUND_ID,
    "status": STATUS,
    "amount": amount("What goes back, in minor units of the currency."),
    "currency": currency(),
    "order_id": nullable(text("The order; null where the payment was made past this service.")),
    "transaction_id": identifier("pi"),
}
FACTS = {
    **REQUESTED,
    "version": count("Counts the refund's changes."),
    "account_id": identifier("acct"),
    "user_id": nullable(text("The app's user for whom it was asked; null where it was made past this service.")),
    "external": flag("Whether the refund was made past this service."),
    "reason": text("The reason that was given, in Stripe's words, or empty."),
    "failure_reason": text("Why it failed, in Stripe's words, or empty."),
    "refund_application_fee": flag("Whether the platform's share goes back in proportion."),
    "metadata": map_of(text(), "The caller's own texts."),
    "created": moment(),
}

COMPONENTS = {
    "ForeseenRefund": closed(
        {
            "message": text(),
            "dry_run": const(True),
            "amount": amount("What would go back."),
            "currency": currency(),
            "order_id": nullable(text()),
            "transaction_id": identifier("pi"),
            "account_id": identifier("acct"),
            "amount_left": amount("What could still be refunded afterwards."),
            "application_fee_amount": amount("What of the platform's share would go back."),
        },
        description="What a dry run tells: nothing was done.",
    ),
    "ListedRefund": closed(FACTS),
    "RefundList": closed({"refunds": list_of(ref("ListedRefund")), "has_more": flag("Whether more follow.")}),
    "RequestedRefund": closed({"message": text(), **REQUESTED}),
    "Refund": closed({"message": text(), **FACTS}),
    "RefundEventData": closed(
        {
            "sequence": count("The event's number among those of the app, without a gap."),
            **FACTS,
            "metadata": nullable(map_of(text(), "Null where the body would be larger than 20 KB with it.")),
        }
    ),
}

OPERATIONS = {
    "POST /refunds": Described(
        summary="Request a refund",
        description=(
            "Gives money back, of the payment of an order or of the one that is named; without `amount` all that is left. "
            f"`reason`: {', '.join(Reason.values)}. Send an Idempotency-Key: without one, a partial refund that is asked for "
            "again is a second refund. `dry_run`: the request is judged as if it were meant, and nothing is done."
        ),
        body=serializers.RefundRequest,
        rules={"required": ["account_id"], "oneOf": [{"required": ["order_id"]}, {"required": ["transaction_id"]}]},
        status=201,
        message=True,
        data=ref("RequestedRefund"),
        dry_run=ref("ForeseenRefund"),
        errors=(
            *OF_STRIPE,
            *OF_ACCOUNT,
            TransactionNotFound,
            errors.NotRefundable,
            errors.NothingLeftToRefund,
            errors.RefundExceedsPayment,
            errors.RefundRefused,
        ),
        leads_to={"read": Link("GET /refunds/{id}", path={"id": "/data/refund_id"})},
    ),
    "GET /refunds": Described(
        summary="List refunds",
        description="The app's refunds as they were last seen, newest first, by what is asked for.",
        query=serializers.ListRefundsQuery,
        is_paged=True,
        data=ref("RefundList"),
    ),
    "GET /refunds/{id}": Described(
        summary="Retrieve a refund",
        description="Read from Stripe as long as it may still change there.",
        data=ref("Refund"),
        errors=(*OF_STRIPE_READ, errors.RefundNotFound),
    ),
}

SCHEMA = AppSchema(
    tag="Refund", description="Money back to the buyer, the whole or a part.", components=COMPONENTS, operations=OPERATIONS
)
