"""All metrics as the text that Prometheus reads."""

import logging

from prometheus_client import CollectorRegistry, generate_latest

from commercecore_payments.metrics.registry import of_all_processes
from commercecore_payments.metrics.waiting import Waiting

logger = logging.getLogger(__name__)


def exposition() -> bytes:
    """What the processes counted, and what waits. Where the one cannot be read the other is told all the same."""
    return _counted() + generate_latest(_waiting())


def _counted() -> bytes:
    try:
        return generate_latest(of_all_processes())
    except Exception:  # such as a file of a process that was killed while it grew
        logger.exception("metrics: what the processes counted could not be read")
        return b""


def _waiting() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Waiting())
    return registry
