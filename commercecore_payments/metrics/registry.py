"""Where every metric of ours is registered. Nothing of the library's own is exported beside them."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector

# When a series began is told by nothing that we ask of it, and would double their number.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Ours alone: the library's default one tells of Python and of one of several processes.
REGISTRY = CollectorRegistry()

# Upper bounds in seconds. Below a second as Prometheus' clients have them; above, Stripe's usual answers of one or two seconds,
# and the 30 s of STRIPE_TIMEOUT_S with some calls more.
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

logger = logging.getLogger(__name__)


@contextmanager
def counting() -> Iterator[None]:
    """Around all counting: a folder in which no file can be made or grown fails no payment.

    A file system without space is another matter: files are mapped, and whoever writes to a page that there is no room for is
    ended by SIGBUS. gunicorn replaces the process, which meets the same (docs/monitoring.md).
    """
    try:
        yield
    except OSError:
        logger.exception("metrics: something could not be counted")


def of_all_processes() -> CollectorRegistry:
    """What was counted by every process that shares PROMETHEUS_MULTIPROC_DIR, or by this one alone where there is none."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
