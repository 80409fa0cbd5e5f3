"""The jobs of a worker: each does one piece of what is due, and says whether there was any."""

from collections.abc import Callable, Mapping

from commercecore_payments.recovery import recover_due
from idempotency.operations import forget_old_keys

# Of one piece of work: some hundred rows are deleted within a few milliseconds, and nobody waits for them meanwhile.
KEYS_AT_ONCE = 500


def recover_next() -> bool:
    """The operation that is longest due is recovered."""
    return next(recover_due(limit=1), None) is not None


def forget_keys() -> bool:
    """The Idempotency-Keys that were longest unused are forgotten."""
    return forget_old_keys(limit=KEYS_AT_ONCE) > 0


JOBS: Mapping[str, Callable[[], bool]] = {
    "recovery": recover_next,
    "idempotency keys": forget_keys,
}
