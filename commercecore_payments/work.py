"""The jobs of a worker: each does one piece of what is due, and says whether there was any."""

from collections.abc import Callable, Mapping

from commercecore_payments.recovery import recover_due


def recover_next() -> bool:
    """The operation that is longest due is recovered."""
    return next(recover_due(limit=1), None) is not None


JOBS: Mapping[str, Callable[[], bool]] = {
    "recovery": recover_next,
}
