"""Calls to Stripe: how many of each kind, what came of them, and how long they took."""

from functools import lru_cache

from prometheus_client import Counter, Histogram

from commercecore_payments.metrics.registry import BUCKETS_S, REGISTRY, counting

CALLS = Counter(
    "commercecore_stripe_calls",
    "Calls to Stripe, by the kind of the operation, or `read`, and by what came of them.",
    ("call", "outcome"),
    registry=REGISTRY,
)
DURATION = Histogram(
    "commercecore_stripe_call_duration_seconds",
    "Seconds that a call to Stripe took, whatever came of it, by the kind of the operation, or `read`.",
    ("call",),
    buckets=BUCKETS_S,
    registry=REGISTRY,
)
# Whatever asks Stripe and writes nothing, one-time links included.
READ = "read"


def count_call(call: str, outcome: str, *, duration_s: float) -> None:
    """Counts one call. `outcome` is one of the five of gateway.outcomes."""
    with counting():
        calls, durations = _series(call, outcome)
        calls.inc()
        durations.observe(duration_s)


@lru_cache(maxsize=256)  # there are some dozen kinds, with five outcomes each; looking a series up costs more than counting
def _series(call: str, outcome: str) -> tuple[Counter, Histogram]:
    return CALLS.labels(call, outcome), DURATION.labels(call)
