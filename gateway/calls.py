"""The call of each kind of Operation: one literal table, from what is stored to Stripe's address.

The SDK is asked for its answer as it comes, a dictionary, and not for objects of its own: building those costs as much as the
request itself, and a snapshot is read from the dictionary anyway (docs/performance.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import stripe

from gateway import snapshots
from gateway.models import Kind, Operation


@dataclass(frozen=True, slots=True)
class Call:
    """Where a kind is sent, what its answer is read as, and under which name Stripe's errors carry the same object.

    `{}` in the path stands for the operation's target.
    """

    path: str
    read: Callable[[Mapping[str, Any]], snapshots.Snapshot]
    name_in_errors: str = ""
    method: str = "post"

    def send(self, client: stripe.StripeClient, operation: Operation, options: Mapping[str, Any]) -> Any:
        """Stripe's answer: `data` is its body, `request_id` what Stripe calls the request. Raises stripe.StripeError."""
        path = self.path.format(quote(operation.target_id, safe=""))
        return client.raw_request(self.method, path, **operation.parameters, **options)


CALLS: Mapping[str, Call] = {
    Kind.ACCOUNT_CREATE: Call("/v1/accounts", snapshots.AccountSnapshot.from_stripe),
    Kind.ACCOUNT_DELETE: Call("/v1/accounts/{}", snapshots.AccountSnapshot.from_stripe, method="delete"),
    Kind.CUSTOMER_CREATE: Call("/v1/customers", snapshots.CustomerSnapshot.from_stripe),
    Kind.SETUP_INTENT_CREATE: Call("/v1/setup_intents", snapshots.SetupIntentSnapshot.from_stripe, "setup_intent"),
    Kind.PAYMENT_METHOD_CLONE: Call("/v1/payment_methods", snapshots.PaymentMethodSnapshot.from_stripe),
    Kind.PAYMENT_METHOD_DETACH: Call("/v1/payment_methods/{}/detach", snapshots.PaymentMethodSnapshot.from_stripe),
    Kind.PAYMENT_INTENT_CREATE: Call("/v1/payment_intents", snapshots.PaymentIntentSnapshot.from_stripe),
    Kind.PAYMENT_INTENT_UPDATE: Call("/v1/payment_intents/{}", snapshots.PaymentIntentSnapshot.from_stripe, "payment_intent"),
    Kind.PAYMENT_INTENT_CONFIRM: Call(
        "/v1/payment_intents/{}/confirm", snapshots.PaymentIntentSnapshot.from_stripe, "payment_intent"
    ),
    Kind.PAYMENT_INTENT_CAPTURE: Call(
        "/v1/payment_intents/{}/capture", snapshots.PaymentIntentSnapshot.from_stripe, "payment_intent"
    ),
    Kind.PAYMENT_INTENT_CANCEL: Call(
        "/v1/payment_intents/{}/cancel", snapshots.PaymentIntentSnapshot.from_stripe, "payment_intent"
    ),
    Kind.REFUND_CREATE: Call("/v1/refunds", snapshots.RefundSnapshot.from_stripe),
}
