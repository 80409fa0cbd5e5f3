"""The kinds of faults, their bounds, and how a call that meets one is answered."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from django.db import connection

from sandbox.api.errors import AttemptFailed, KeyInUse, StripeError

# The caller gets no answer: what it asked for did not happen …
BEFORE_THE_EFFECT = frozenset({"refuse_connection", "time_out_before"})
# … or did, and it cannot tell.
AFTER_THE_EFFECT = frozenset({"time_out_after", "drop_answer"})
TIMEOUTS = frozenset({"time_out_before", "time_out_after"})
# Answered before the idempotency layer, which therefore keeps nothing of it.
REFUSALS = frozenset({"limit_rate", "lock_timeout", "key_in_use"})
# Stripe's own failure, kept under the idempotency key like every answer to a request that was begun.
FAILURES = frozenset({"fail_inside", "fail_after"})
REQUEST_KINDS = BEFORE_THE_EFFECT | AFTER_THE_EFFECT | REFUSALS | FAILURES | {"answer_slowly"}
EVENT_KINDS = frozenset({"delay_event", "double_event", "drop_event", "shuffle_event"})
KINDS = REQUEST_KINDS | EVENT_KINDS
# Those that do nothing but wait: without a delay they would be used up unseen.
DELAYING = frozenset({"answer_slowly", "delay_event"})

METHODS = ("GET", "POST", "DELETE")
# A waiting request holds a thread of the server: a minute is longer than callers wait, and ends before the server's
# graceful_timeout does (gunicorn.conf.py).
LONGEST_REQUEST_DELAY_S = 60
# Events are delivered by nobody who waits: three days are how long Stripe tries (https://docs.stripe.com/webhooks).
LONGEST_EVENT_DELAY_S = 3 * 86_400
# More than any test repeats; a plan that was forgotten comes to an end.
MOST_TIMES = 1000

Answering = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """What happens to a call, which calls it fits (empty fits all), and how many of them. `delay_s` is in seconds."""

    kind: str
    method: str = ""
    path: str = ""
    times: int = 1
    delay_s: float = 0.0

    def fits(self, method: str, path: str) -> bool:
        return self.method in ("", method) and self.path in path


class NoAnswer(Exception):
    """The caller gets no answer; whether anything happened, `fault` says."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind)
        self.fault = fault


def refusal(kind: str) -> StripeError:
    """What Stripe answers before it looks at the idempotency key.

    The statuses and codes are those of https://docs.stripe.com/rate-limits and https://docs.stripe.com/error-low-level;
    the texts are unverified.
    """
    if kind == "limit_rate":
        message = "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
        return StripeError(message, status=429, code="rate_limit")
    if kind == "lock_timeout":
        message = "This object cannot be accessed right now because another API request or Stripe process is accessing it."
        return StripeError(message, status=429, code="lock_timeout")
    return KeyInUse()


SERVER_FAILED = "An unknown error occurred"  # the text is unverified


def failing(kind: str, answer: Answering) -> Answering:
    """A route's function as Stripe's own failure leaves it: not begun (fail_inside), or done and not told (fail_after)."""

    def fail_inside(*_: Any, **__: Any) -> NoReturn:
        raise StripeError(SERVER_FAILED, status=500, type="api_error")

    def fail_after(*sent: Any, **ids: Any) -> NoReturn:
        with suppress(AttemptFailed):  # a failed charge stays as well, and nobody is told of it either
            answer(*sent, **ids)
        raise AttemptFailed(SERVER_FAILED, status=500, type="api_error")

    return {"fail_inside": fail_inside, "fail_after": fail_after}.get(kind, answer)


def wait(seconds: float) -> None:
    """Holds a call back, without a connection to the database where no transaction is open."""
    if seconds <= 0:
        return
    if not connection.in_atomic_block:
        connection.close()
    time.sleep(min(seconds, LONGEST_REQUEST_DELAY_S))
