"""Reading Stripe's errors in tests."""

from typing import Any

import pytest
import stripe

RETURN_URL_NEEDED = (
    "This {kind} is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods "
    "might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept "
    "redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)


def told(refused: "pytest.ExceptionInfo[stripe.StripeError]") -> Any:
    """The `error` object of a refusal's body, which the SDK's own types make optional in every part."""
    assert refused.value.error is not None
    return refused.value.error
