"""Every call to Stripe in the metrics, and the operation that is sent in the log lines of its request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

import stripe
from structlog.contextvars import bind_contextvars

from commercecore_payments.metrics.stripe_calls import READ, count_call
from gateway.models import Operation, Status
from gateway.outcomes import Outcome, status_of_error


def watched(call: Callable[[Operation], Outcome]) -> Callable[[Operation], Outcome]:
    """`call` sends an operation. One that raises leaves its outcome unknown, as `gateway.operations.send` has it."""

    def watch(operation: Operation) -> Outcome:
        bind_contextvars(operation_id=operation.id)
        began_s, outcome = perf_counter(), Status.UNKNOWN
        try:
            answered = call(operation)
            outcome = answered.status
        finally:
            count_call(operation.kind, outcome, duration_s=perf_counter() - began_s)
        return answered

    return watch


@contextmanager
def watched_read() -> Iterator[None]:
    """Around one call that reads."""
    began_s, outcome = perf_counter(), Status.UNKNOWN
    try:
        yield
        outcome = Status.SUCCEEDED
    except stripe.StripeError as error:
        outcome = status_of_error(error, was_sent_before=False)
        raise
    finally:
        count_call(READ, outcome, duration_s=perf_counter() - began_s)
