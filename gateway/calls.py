"""The call of each kind of Operation: one literal table, from what is stored to the SDK."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import stripe

from gateway import snapshots
from gateway.models import Kind, Operation

Send = Callable[[stripe.StripeClient, Operation, Any], Any]


@dataclass(frozen=True, slots=True)
class Call:
    """How a kind is sent, what its answer is read as, and under which name Stripe's errors carry the same object."""

    send: Send
    read: Callable[[Mapping[str, Any]], snapshots.Snapshot]
    name_in_errors: str = ""


CALLS: Mapping[str, Call] = {
    Kind.ACCOUNT_CREATE: Call(
        send=lambda client, operation, options: client.v1.accounts.create(operation.parameters, options),
        read=snapshots.AccountSnapshot.from_stripe,
    ),
    Kind.ACCOUNT_DELETE: Call(
        send=lambda client, operation, options: client.v1.accounts.delete(operation.target_id, operation.parameters, options),
        read=snapshots.AccountSnapshot.from_stripe,
    ),
    Kind.CUSTOMER_CREATE: Call(
        send=lambda client, operation, options: client.v1.customers.create(operation.parameters, options),
        read=snapshots.CustomerSnapshot.from_stripe,
    ),
    Kind.SETUP_INTENT_CREATE: Call(
        send=lambda client, operation, options: client.v1.setup_intents.create(operation.parameters, options),
        read=snapshots.SetupIntentSnapshot.from_stripe,
        name_in_errors="setup_intent",
    ),
    Kind.PAYMENT_METHOD_CLONE: Call(
        send=lambda client, operation, options: client.v1.payment_methods.create(operation.parameters, options),
        read=snapshots.PaymentMethodSnapshot.from_stripe,
    ),
    Kind.PAYMENT_METHOD_DETACH: Call(
        send=lambda client, operation, options: client.v1.payment_methods.detach(
            operation.target_id, operation.parameters, options
        ),
        read=snapshots.PaymentMethodSnapshot.from_stripe,
    ),
    Kind.PAYMENT_INTENT_CREATE: Call(
        send=lambda client, operation, options: client.v1.payment_intents.create(operation.parameters, options),
        read=snapshots.PaymentIntentSnapshot.from_stripe,
    ),
    Kind.PAYMENT_INTENT_UPDATE: Call(
        send=lambda client, operation, options: client.v1.payment_intents.update(
            operation.target_id, operation.parameters, options
        ),
        read=snapshots.PaymentIntentSnapshot.from_stripe,
        name_in_errors="payment_intent",
    ),
    Kind.PAYMENT_INTENT_CONFIRM: Call(
        send=lambda client, operation, options: client.v1.payment_intents.confirm(
            operation.target_id, operation.parameters, options
        ),
        read=snapshots.PaymentIntentSnapshot.from_stripe,
        name_in_errors="payment_intent",
    ),
    Kind.PAYMENT_INTENT_CAPTURE: Call(
        send=lambda client, operation, options: client.v1.payment_intents.capture(
            operation.target_id, operation.parameters, options
        ),
        read=snapshots.PaymentIntentSnapshot.from_stripe,
        name_in_errors="payment_intent",
    ),
    Kind.PAYMENT_INTENT_CANCEL: Call(
        send=lambda client, operation, options: client.v1.payment_intents.cancel(
            operation.target_id, operation.parameters, options
        ),
        read=snapshots.PaymentIntentSnapshot.from_stripe,
        name_in_errors="payment_intent",
    ),
    Kind.REFUND_CREATE: Call(
        send=lambda client, operation, options: client.v1.refunds.create(operation.parameters, options),
        read=snapshots.RefundSnapshot.from_stripe,
    ),
}
