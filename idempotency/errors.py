"""What can go wrong with an Idempotency-Key."""

from commercecore_payments.errors import BadRequest, Conflict, KeyAfterwards, Unavailable, Unprocessable
from idempotency.models import MAX_KEY_LENGTH

# Stripe answers most calls within two seconds; a caller who asks again sooner finds the same request still under way.
RETRY_AFTER_S = 2


class KeyInvalid(BadRequest):
    """The key is blank, too long, or holds letters outside printable ASCII."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "idempotency_key_invalid"
    message = f"Idempotency-Key must have 1 to {MAX_KEY_LENGTH} printable ASCII characters."


class KeyReused(Unprocessable):
    """The key stands for another request: whoever sent this one would be told of that one's outcome."""

    code = "idempotency_key_reused"
    message = (
        "This Idempotency-Key was used for a request with another method, address, body or user. Nothing was done. "
        "Send a new request under a new key."
    )


class KeyInUse(Conflict):
    """Another request under the same key is being carried out right now."""

    code = "idempotency_key_in_use"
    message = "Another request under this Idempotency-Key is still being processed. Please try again in a moment."
    key_afterwards = KeyAfterwards.FREE

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(RETRY_AFTER_S)})


class AnswerUnreadable(Unavailable):
    """The key that the stored answer was encrypted with is not configured any more."""

    code = "stored_answer_unreadable"
    message = (
        "This request was carried out before, and its stored answer cannot be read right now. It is not carried out a second "
        "time: read the record that it was about, or ask again once this service's operator has mended it."
    )
