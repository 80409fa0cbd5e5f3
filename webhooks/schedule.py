"""When a delivery is tried again, and what an answer says about that."""

import random
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from commercecore_payments.clock import now

# Before each attempt, counted from the one before: ten within about three days. Standard Webhooks, "Deliverability and
# reliability", gives this schedule (https://github.com/standard-webhooks/standard-webhooks), here with one more day at its end.
WAITS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
# Each wait is longer by up to this share of it, so that what failed together does not come back together.
JITTER = 0.1
# Standard Webhooks asks to slow down for these: too many requests, and a load balancer that finds nobody behind it.
OVERLOADED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
# For how long an overloaded receiver is left alone that does not say so itself: as long as a restart takes.
PAUSE = timedelta(seconds=30)
# A Retry-After is kept to up to the schedule's own longest wait: a slip of the receiver's must not silence it for a year.
LONGEST_RETRY_AFTER_S = 24 * 60 * 60
# An endpoint at which nothing arrives for so long is switched off: longer than a weekend with a holiday, and than one
# delivery's whole schedule. Of an app to which little happens that may be a single failure and the next event's, so it needs
# a delivery as well whose whole schedule was in vain, or so many attempts since the first failure: as many as a single
# delivery has within its first day.
GIVEN_UP_AFTER = timedelta(days=5)
GIVEN_UP_AFTER_ATTEMPTS = 5


def wait_after(failed_attempts: int) -> timedelta | None:
    """How long to wait after so many attempts that failed, with the jitter; None where that was the last one."""
    if failed_attempts >= len(WAITS):
        return None
    return WAITS[failed_attempts] * (1 + random.uniform(0, JITTER))  # noqa: S311 - it spreads, and guards nothing


def pause_asked(http_status: int | None, retry_after_s: int | None) -> timedelta | None:
    """For how long an endpoint that answered so is sent nothing; None where it need not be spared."""
    if retry_after_s is not None:
        return timedelta(seconds=retry_after_s) or None
    return PAUSE if http_status in OVERLOADED else None


def is_success(http_status: int | None) -> bool:
    """2xx alone: a redirect is not followed, since nobody judged where it leads."""
    return http_status is not None and 200 <= http_status < 300


def seconds_of_retry_after(header: str | None) -> int | None:
    """A Retry-After (RFC 9110, section 10.2.3), at most LONGEST_RETRY_AFTER_S; None where it is neither a number nor a date."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        # No more digits are read than the longest wait has: Python refuses thousands of them.
        return min(int(text), LONGEST_RETRY_AFTER_S) if len(text) < 10 else LONGEST_RETRY_AFTER_S
    moment = _moment_of(text)
    if moment is None:
        return None
    return max(0, min(int((moment - now()).total_seconds()), LONGEST_RETRY_AFTER_S))


def _moment_of(date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):  # the standard library's parser tells in all these ways
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
