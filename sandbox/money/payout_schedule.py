"""When an account is paid out by itself: at the end of each day on which it has money, unless it asked for manual payouts."""

from datetime import UTC, datetime, timedelta

from sandbox.models import SandboxObject
from sandbox.objects import state
from sandbox.timeline import clock, schedule

PAYOUT_DAY = "payout_day"
# Days until a charge's money is available: `delay_days` of the schedule that each account of the sandbox has, the default
# of a new account in the example of https://docs.stripe.com/api/accounts/object.
DELAY_DAYS = 2


def plan(account_id: str) -> None:
    """Notes that an account is paid out at the end of this day: called wherever money becomes available.

    The platform is not paid out: it has no bank account here.
    """
    account = state.find("", "account", account_id) if account_id else None
    if account is not None and is_automatic(account):
        schedule.at(next_midnight(), PAYOUT_DAY, account)


def is_automatic(account: SandboxObject) -> bool:
    """Whether an account lives and is paid out daily, the only interval that the sandbox knows beside `manual`."""
    return not account.deleted and account.data["settings"]["payouts"]["schedule"]["interval"] == "daily"


def next_midnight(days: int = 1) -> datetime:
    """The end of the day, UTC, or of a later one: days are counted as balance transactions count theirs."""
    now = clock.now()
    return datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=days)
