"""What can go wrong with an Idempotency-Key."""

from commercecore_payments.errors import Conflict

# Stripe answers most calls within two seconds; a caller who asks again sooner finds the same request still under way.
RETRY_AFTER_S = 2


class KeyInUse(Conflict):
    """Another request under the same key is being carried out right now."""

    code = "idempotency_key_in_use"
    message = "Another request under this Idempotency-Key is still being processed. Please try again in a moment."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(RETRY_AFTER_S)})
