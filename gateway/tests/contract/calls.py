"""What the tests of the contract send, and how they read a refusal."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from gateway.outcomes import Fault, fault_of

Services = Any  # the SDK's services under `client.v1`
Options = dict[str, str]

# As the service confirms a payment whose buyer it cannot send away (docs.stripe.com/api/payment_intents/create).
NO_REDIRECTS = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


def refusal(call: Callable[[], Any], kind: type[stripe.StripeError]) -> tuple[Fault, dict[str, Any]]:
    """What Stripe said when it refused a call with an error of exactly this kind: as the gateway reads it, and whole."""
    with pytest.raises(kind) as refused:
        call()
    assert type(refused.value) is kind
    body: Any = refused.value.json_body
    return fault_of(refused.value), body["error"]


def fault(call: Callable[[], Any], kind: type[stripe.StripeError] = stripe.InvalidRequestError) -> Fault:
    """What Stripe said when it refused a call, as the gateway reads it."""
    return refusal(call, kind)[0]
