"""What is done with a caller's Idempotency-Key."""

from commercecore_payments.actors import HeldKey
from idempotency.errors import KeyInUse
from idempotency.models import IdempotencyKey


def keep_hold(held: HeldKey) -> None:
    """Call it in each transaction that reserves something under the key: its row stays locked until the end.

    Raises KeyInUse where another attempt has taken over the key: whoever was slow must not act any more.
    """
    row = IdempotencyKey.objects.select_for_update().filter(pk=held.row_id).first()
    if row is None or row.attempt != held.attempt or row.answered_at is not None:
        raise KeyInUse
