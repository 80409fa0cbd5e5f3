"""The transactions, as the API's description shows them."""

from accounts.schema import OF_ACCOUNT
from commercecore_payments.errors import MethodNotAllowed
from commercecore_payments.openapi.operations import OF_STRIPE, OF_STRIPE_READ, AppSchema, Described, Link
from commercecore_payments.openapi.shapes import (
    amount,
    closed,
    const,
    count,
    currency,
    flag,
    identifier,
    integer,
    list_of,
    map_of,
    moment,
    nullable,
    one_of,
    ref,
    text,
)
from explanations.schema import EXPLAIN
from gateway.models import Kind
from gateway.models import Status as OperationStatus
from transactions import errors, serializers
from transactions.models import CaptureMethod, Status

TRANSACTION_ID = identifier("pi", "The transaction's id: a payment intent's at Stripe.")
ACCOUNT_ID = identifier("acct", "The connected account that is paid.")
ORDER_ID = text("The order's id, which is the caller's own.")
STATUS = one_of(Status.values, "Stripe's status of the payment, or `creating` and `creation_failed` before there is one.")
NEXT_ACTION = {"type": "object", "description": "What the buyer has to do, in Stripe's form, such as an address to go to."}
CLIENT_SECRET = text("Lets the buyer's page go on with the payment at Stripe. Keep it from everybody else.")
AMOUNTS = {
    "amount": amount("What is paid, in minor units of the currency."),
    "amount_capturable": amount("What is held, and can be captured."),
    "amount_received": amount("What was taken."),
    "amount_refunded": amount("What was given back."),
    "application_fee_amount": amount("The platform's share."),
    "currency": currency(),
}
CAPTURE_BEFORE = nullable(moment("When the hold lapses; null where nothing is held."))
FACTS = {
    "transaction_id": TRANSACTION_ID,
    "version": count("Counts the payment's changes: of two answers the one with the higher version is the newer."),
    "status": STATUS,
    "order_id": nullable(ORDER_ID),
    "account_id": ACCOUNT_ID,
    "user_id": nullable(text("The app's user who pays; null where the payment was made past this service.")),
    "external": flag("Whether the payment was made past this service."),
    **AMOUNTS,
    "capture_method": one_of(CaptureMethod.values),
    "capture_before": CAPTURE_BEFORE,
    "statement_descriptor_suffix": text("What the buyer reads on the statement behind the seller's name."),
    "metadata": map_of(text(), "The caller's own texts."),
    "last_error": nullable(ref("PaymentError")),
    "created": moment(),
}
EVENT_DATA = {
    "sequence": count("The event's number among those of the app, without a gap."),
    **FACTS,
    "metadata": nullable(map_of(text(), "The caller's own texts; null where the body would be larger than 20 KB with them.")),
}

COMPONENTS = {
    "PaymentError": closed(
        {
            "code": text("Stripe's code."),
            "decline_code": text("The bank's reason in Stripe's words, or empty."),
            "message": text(),
        },
        description="Why the last attempt to pay did not go through.",
    ),
    "CreatedTransaction": closed(
        {
            "client_secret": nullable(CLIENT_SECRET),
            "status": STATUS,
            "transaction_id": TRANSACTION_ID,
        }
    ),
    "ConfirmedTransaction": closed(
        {
            "message": text(),
            "status_code": const(200),
            "account_id": ACCOUNT_ID,
            "status": STATUS,
            "transaction_id": TRANSACTION_ID,
            "capture_before": CAPTURE_BEFORE,
            "next_action": nullable(NEXT_ACTION),
            "client_secret": CLIENT_SECRET,
        },
        optional=("capture_before", "next_action", "client_secret"),
        description="`capture_before` where the money is held; `next_action` and `client_secret` where the buyer has to act.",
    ),
    "ChangedTransaction": closed(
        {
            "message": text(),
            "transaction_id": TRANSACTION_ID,
            "account_id": ACCOUNT_ID,
            "order_id": ORDER_ID,
            "status": STATUS,
            **AMOUNTS,
        },
        description="The payment after a capture or a cancellation.",
    ),
    "OpenOperation": closed(
        {
            "id": identifier("op"),
            "kind": one_of(Kind.values),
            "status": one_of(OperationStatus.values),
        },
        description="Something that was asked of Stripe and is under way or undecided.",
    ),
    "ForeseenCapture": closed(
        {
            "message": text(),
            "dry_run": const(True),
            "transaction_id": TRANSACTION_ID,
            "account_id": ACCOUNT_ID,
            "order_id": nullable(ORDER_ID),
            "status": STATUS,
            "amount": amount("What would be taken."),
            "amount_released": amount("What would be let go."),
            "application_fee_amount": amount("The platform's share of it."),
            "currency": currency(),
        },
        description="What a dry run tells: nothing was done.",
    ),
    "ListedTransaction": closed(FACTS),
    "TransactionList": closed({"transactions": list_of(ref("ListedTransaction")), "has_more": flag("Whether more follow.")}),
    "Transaction": closed({**FACTS, "open_operations": list_of(ref("OpenOperation"))}),
    "PaymentEventData": closed(EVENT_DATA),
    "ExpiringPaymentEventData": closed(
        {**EVENT_DATA, "hours_left": integer("About so many hours until the hold lapses.", enum=[48, 24, 2])}
    ),
}

_ID = {"id": "/data/transaction_id"}
_CREATED_FIELDS = {"transaction_id": "/data/transaction_id"}
_CONFIRMED_FIELDS = {**_CREATED_FIELDS, "account_id": "/data/account_id"}

OPERATIONS = {
    "POST /transactions": Described(
        summary="Create a transaction",
        description=(
            "Starts the payment of an order. `order_id` alone asks the order service what it costs and who is paid; "
            "`account_id` and `amount` say it. An order of an app at an account is paid at most once: asked for again, a payment "
            "that nobody has begun to pay is handed back."
        ),
        body=serializers.CreateTransactionRequest,
        rules={"dependentRequired": {"account_id": ["amount"], "amount": ["account_id"]}},
        status=201,
        message=True,
        data=ref("CreatedTransaction"),
        errors=(
            *OF_STRIPE,
            *OF_ACCOUNT,
            errors.OrderNotFound,
            errors.OrderServiceUnreachable,
            errors.OrderServiceFailed,
            errors.OrderTaken,
        ),
        leads_to={
            "confirm": Link("POST /transactions/confirm", body=_CREATED_FIELDS),
            "read": Link("GET /transactions/{id}", path=_ID),
            "explain": Link("GET /transactions/{id}/explain", path=_ID),
            "cancel": Link("POST /transactions/{id}/cancel", path=_ID),
        },
    ),
    "POST /transactions/confirm": Described(
        summary="Confirm a transaction",
        description="Charges the buyer, or holds the money. `next_action` says what a buyer has to do who is challenged.",
        body=serializers.ConfirmTransactionRequest,
        message=True,
        data=ref("ConfirmedTransaction"),
        errors=(
            *OF_STRIPE,
            *OF_ACCOUNT,
            errors.AccountIdMissing,
            errors.TransactionNotFound,
            errors.TransactionCanceled,
            errors.AlreadyConfirmed,
            errors.ConfirmationRefused,
            errors.CardDeclined,
            errors.OrderTaken,
        ),
        leads_to={
            "read": Link("GET /transactions/{id}", path=_ID),
            "capture": Link("POST /transactions/{id}/capture", path=_ID),
            "cancel": Link("POST /transactions/{id}/cancel", path=_ID),
            "refund": Link("POST /refunds", body=_CONFIRMED_FIELDS),
        },
    ),
    "POST /transactions/{id}/capture": Described(
        summary="Capture a held payment",
        description=(
            "Takes the money of a hold, or once a part of it: the rest is let go. "
            "`dry_run`: the request is judged as if it were meant, and nothing is done."
        ),
        body=serializers.CaptureTransactionRequest,
        message=True,
        data=ref("ChangedTransaction"),
        dry_run=ref("ForeseenCapture"),
        errors=(
            *OF_STRIPE,
            *OF_ACCOUNT,
            errors.TransactionNotFound,
            errors.AlreadyCaptured,
            errors.NotCapturable,
            errors.CaptureExceedsHold,
            errors.CaptureRefused,
        ),
        leads_to={
            "read": Link("GET /transactions/{id}", path=_ID),
            "refund": Link("POST /refunds", body=_CONFIRMED_FIELDS),
        },
    ),
    "POST /transactions/{id}/cancel": Described(
        summary="Cancel a transaction",
        description="Gives up a payment that was not taken, and frees its hold and its order.",
        body=serializers.CancelTransactionRequest,
        message=True,
        data=ref("ChangedTransaction"),
        errors=(
            *OF_STRIPE,
            *OF_ACCOUNT,
            errors.TransactionNotFound,
            errors.AlreadyCanceled,
            errors.NotCancelable,
            errors.CancellationRefused,
        ),
    ),
    "GET /transactions": Described(
        summary="List transactions",
        description="The app's payments as they were last seen, newest first, by what is asked for.",
        query=serializers.ListTransactionsQuery,
        is_paged=True,
        data=ref("TransactionList"),
    ),
    "GET /transactions/{id}": Described(
        summary="Retrieve a transaction",
        description="The payment as Stripe has it now, and what is still open about it.",
        data=ref("Transaction"),
        # `confirm` is no id, but an address of its own, which takes another method.
        errors=(*OF_STRIPE_READ, errors.TransactionNotFound, MethodNotAllowed),
    ),
    "GET /transactions/{id}/explain": EXPLAIN,
}

SCHEMA = AppSchema(
    tag="Transactions",
    description="Payments of orders: created, confirmed, and captured or canceled where the money is only held.",
    components=COMPONENTS,
    operations=OPERATIONS,
)
