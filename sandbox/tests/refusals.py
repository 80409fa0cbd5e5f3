"""Reading Stripe's errors in tests."""

from typing import Any

import pytest
import stripe


def told(refused: "pytest.ExceptionInfo[stripe.StripeError]") -> Any:
    """The `error` object of a refusal's body, which the SDK's own types make optional in every part."""
    assert refused.value.error is not None
    return refused.value.error
