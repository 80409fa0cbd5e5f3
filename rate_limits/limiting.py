"""How often a token and an app may ask: counted in the database, so that all processes count together.

The generic cell rate algorithm, which is a leaky bucket with a clock: a limit of 100 a second lets 100 requests come at once,
and from then on one each hundredth of a second. So there is no border between two windows at which twice as many may come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.db import connection

from commercecore_payments.clock import database_now_us_sql
from commercecore_payments.environments import current_environment
from commercecore_payments.statements import for_update
from rate_limits.models import Bucket

SECOND_US = 1_000_000
# No bucket drains for longer than a second. What is to last for a minute was written by a clock that has been set back since, as
# by a failover, and counts as empty: nobody must be refused until that clock's time has come. It is longer than any statement
# waits for its rows, so a count of this clock is never taken for one of those.
OF_ANOTHER_CLOCK_US = 60 * SECOND_US
# What is empty says nothing; a caller who is back within the hour finds its row there.
KEPT_EMPTY_FOR_US = int(timedelta(hours=1) / timedelta(microseconds=1))


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests a second for whoever `key` names."""

    key: str
    per_second: int

    @property
    def share_us(self) -> int:
        """What one request pours in: the time that it takes to drain."""
        return -(-SECOND_US // self.per_second)

    @property
    def capacity_us(self) -> int:
        return self.share_us * self.per_second


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of the scarcer limit: `remaining` requests at once of `limit`, all of them again after `reset_s` seconds.

    `retry_after_s` is 0 where the request is allowed, else the seconds after which one will be.
    """

    limit: int
    remaining: int
    reset_s: int
    retry_after_s: int = 0

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }


def limits_of(*, developer_id: str, token_id: str, app_id: str) -> list[Limit]:
    """The limits of a caller, in the order of their keys; a limit of 0 is none. `app_id` is empty where no app is named."""
    environment = current_environment()
    token = Limit(f"{environment}:token:{developer_id}:{token_id}", settings.RATE_LIMIT_PER_TOKEN)
    app = Limit(f"{environment}:app:{app_id}", settings.RATE_LIMIT_PER_APP if app_id else 0)
    return [limit for limit in (app, token) if limit.per_second]


def take(limits: Sequence[Limit]) -> Allowance:
    """Counts one request against all of `limits`, or against none where any of them is used up; `limits` must not be empty.

    One statement decides for all callers at once, and a second one only of the first request of somebody new. Raises what the
    database raises: a limiter that is away lets nobody in unseen.
    """
    poured = _pour(limits)
    if not poured:
        _make_known(limits)
        poured = _pour(limits)
    if poured:
        return min((_left(limit, *poured[limit.key]) for limit in limits), key=_scarcity)
    return _refused(limits)


def _scarcity(allowance: Allowance) -> tuple[int, int]:
    return allowance.remaining, allowance.limit


def _fresh_us(drained_at_us: int, now_us: int) -> int:
    ahead_us = drained_at_us - now_us
    return ahead_us if 0 < ahead_us <= OF_ANOTHER_CLOCK_US else 0


def _left(limit: Limit, drained_at_us: int, now_us: int) -> Allowance:
    fresh_us = _fresh_us(drained_at_us, now_us)
    remaining = max(limit.capacity_us - fresh_us, 0) // limit.share_us
    return Allowance(limit=limit.per_second, remaining=remaining, reset_s=-(-fresh_us // SECOND_US))


def _pour(limits: Sequence[Limit]) -> dict[str, tuple[int, int]]:
    """Pours one request into each bucket, unless one is missing or would overflow. Their states, and the moment."""
    now_text, now_us = database_now_us_sql()
    shares = [part for limit in limits for part in (limit.key, limit.share_us)]
    overflow = [part for limit in limits for part in (limit.key, limit.capacity_us - limit.share_us)]
    keys = [limit.key for limit in limits]
    parameters = [now_us, now_us, now_us, *shares, *keys, *keys, *overflow, now_us, now_us, now_us]
    with connection.cursor() as cursor:
        cursor.execute(_pouring(len(limits), now_text, for_update()), parameters)
        return {key: (drained_at_us, moment_us) for key, drained_at_us, moment_us in cursor.fetchall()}


@cache
def _pouring(number: int, now: str, lock: str) -> str:
    """The rows are locked in the order of their keys before they are judged, so that two callers never wait for each other."""
    table = Bucket._meta.db_table
    keys = ", ".join(["%s"] * number)
    latest = f"{now} + {OF_ANOTHER_CLOCK_US}"
    of_each = f"CASE key {'WHEN %s THEN %s ' * number}END"
    return f"""
        UPDATE {table} SET drained_at_us =
            CASE WHEN drained_at_us BETWEEN {now} AND {latest} THEN drained_at_us ELSE {now} END + {of_each}
        WHERE key IN ({keys}) AND {number} = (
            SELECT count(*) FROM (SELECT key, drained_at_us FROM {table} WHERE key IN ({keys}) ORDER BY key {lock}) locked
            WHERE drained_at_us - {of_each} <= {now} OR drained_at_us > {latest}
        )
        RETURNING key, drained_at_us, {now}"""  # noqa: S608 - the model's table, and this module's own text


def _make_known(limits: Sequence[Limit]) -> None:
    """Empty buckets for those who have none yet."""
    new = [Bucket(key=limit.key, drained_at_us=0) for limit in limits]
    Bucket.objects.bulk_create(new, ignore_conflicts=True)


def _refused(limits: Sequence[Limit]) -> Allowance:
    """Which limit is used up, and for how long."""
    now_text, now_us = database_now_us_sql()
    keys = [limit.key for limit in limits]
    table, places = Bucket._meta.db_table, ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT key, drained_at_us, {now_text} FROM {table} WHERE key IN ({places})", [now_us, *keys])  # noqa: S608
        found = {key: (drained_at_us, moment_us) for key, drained_at_us, moment_us in cursor.fetchall()}
    states = [(limit, *found.get(limit.key, (0, 0))) for limit in limits]
    wait_us = max(
        _fresh_us(drained_at_us, moment_us) + limit.share_us - limit.capacity_us for limit, drained_at_us, moment_us in states
    )
    scarcer = min((_left(*state) for state in states), key=_scarcity)
    return Allowance(
        limit=scarcer.limit, remaining=0, reset_s=max(scarcer.reset_s, 1), retry_after_s=max(-(-wait_us // SECOND_US), 1)
    )


def forget_empty_buckets(*, limit: int) -> int:
    """Deletes up to `limit` buckets that have been empty for an hour; returns how many. Several workers may do it at once."""
    now_text, now_us = database_now_us_sql()
    table = Bucket._meta.db_table
    lock = for_update("UPDATE SKIP LOCKED")
    with connection.cursor() as cursor:
        # At 0 is one that was made a moment ago for somebody new, whose first request has not come to it yet.
        old = f"SELECT key FROM {table} WHERE drained_at_us > 0 AND drained_at_us < {now_text} - %s LIMIT %s {lock}"  # noqa: S608
        cursor.execute(f"DELETE FROM {table} WHERE key IN ({old})", [now_us, KEPT_EMPTY_FOR_US, limit])  # noqa: S608
        return int(cursor.rowcount)
