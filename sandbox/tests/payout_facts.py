"""What the tests of payouts have in common."""

from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)
# A payment of 10.00 with this card is available at once, less Stripe's fee of 2.9 % and 0.30.
AT_ONCE = "pm_card_bypassPending"
NET = 1000 - 59


def midnight(day: int) -> int:
    """The beginning of a day of December 2026, in epoch seconds."""
    return int(datetime(2026, 12, day, tzinfo=UTC).timestamp())
