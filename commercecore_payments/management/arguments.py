"""Values on a command line, and what is said of those that cannot be meant."""

import re
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta

from django.utils.dateparse import parse_date, parse_datetime

from commercecore_payments.clock import now

_AGO = re.compile(r"\A([0-9]{1,5})([mhd])\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """`90m`, `36h` or `7d` ago, a date, or a time, in UTC where no zone is named. Raises ArgumentTypeError."""
    ago = _AGO.match(text)
    if ago is not None:
        return now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        day, time = parse_date(text), parse_datetime(text)
    except ValueError:
        day = time = None
    if day is not None and len(text) == len("2026-12-01"):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    if time is None:
        raise ArgumentTypeError(f"is 90m, 36h or 7d for so long ago, or 2026-12-01 or 2026-12-01T09:30, and not '{text}'")
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def at_least_one(text: str) -> int:
    """A whole number from 1 on. Raises ArgumentTypeError."""
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"has to be a whole number, and is '{text}'") from None
    if number < 1:
        raise ArgumentTypeError("has to be at least 1")
    return number
