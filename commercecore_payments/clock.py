"""The one clock: every time in the project comes from here, so that a test can move it."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    """The present moment in UTC, with its time zone."""
    return timezone.now()
