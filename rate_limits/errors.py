"""The refusal of whoever asks too often."""

from http import HTTPStatus

from commercecore_payments.errors import KeyAfterwards, ServiceError


class RateLimited(ServiceError):
    """Nothing was begun, and no Idempotency-Key was looked at."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "rate_limited"
    message = "Too many requests: nothing was done. Please send this one again after the seconds in Retry-After."

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(headers={"Retry-After": str(retry_after_s)})
