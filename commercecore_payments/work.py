"""The jobs of a worker: each does one piece of what is due, and says whether there was any."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from commercecore_payments.recovery import recover_due
from figures.operations import count_next_day
from idempotency.operations import forget_old_keys
from rate_limits.limiting import forget_empty_buckets
from reconciliation.by_worker import compare_next
from staff.interrupted import write_down_next
from stripe_events.applying import apply_next
from stripe_events.operations import forget_old_events as forget_old_stripe_events
from transactions.operations.capture_warnings import warn_of_next_lapse
from webhooks.deliveries import stop_stranded
from webhooks.retention import forget_old_events
from webhooks.sending import deliver_next

# Of one piece of work: some hundred rows are deleted within a few milliseconds, and nobody waits for them meanwhile.
KEYS_AT_ONCE = 500
# Each with up to 16 deliveries and ten attempts of each: some ten thousand rows at the worst.
EVENTS_AT_ONCE = 100
# Rows of one DELETE, each with some KB of JSON.
STRIPE_EVENTS_AT_ONCE = 500
# Rows of one UPDATE; an endpoint that is switched off stops its own, and few are planned in that moment.
STRANDED_AT_ONCE = 500


class Group(StrEnum):
    """What is done in threads of its own, so that it waits for no other group: each of these may wait for somebody else."""

    OPERATIONS = "operations"  # for Stripe, for half a minute at the worst
    RECONCILIATION = "reconciliation"  # for Stripe, for hours
    STRIPE_EVENTS = "Stripe's events"  # for Stripe, where an object is read anew
    DELIVERIES = "deliveries"  # for the consumers' receivers


@dataclass(frozen=True, slots=True)
class Job:
    """`do_next` does one piece of work, and answers whether there was any."""

    do_next: Callable[[], bool]
    group: Group


def recover_next() -> bool:
    """The operation that is longest due is recovered."""
    return next(recover_due(limit=1), None) is not None


def forget_keys() -> bool:
    """The Idempotency-Keys that were longest unused are forgotten."""
    return forget_old_keys(limit=KEYS_AT_ONCE) > 0


def forget_events() -> bool:
    """The oldest events that consumers were told of are forgotten."""
    return forget_old_events(limit=EVENTS_AT_ONCE) > 0


def forget_stripe_events() -> bool:
    """The oldest of Stripe's events that were applied are forgotten."""
    return forget_old_stripe_events(limit=STRIPE_EVENTS_AT_ONCE) > 0


def forget_buckets() -> bool:
    """Whose last request is long ago has no count any more."""
    return forget_empty_buckets(limit=KEYS_AT_ONCE) > 0


def stop_stranded_deliveries() -> bool:
    """What was planned for an endpoint just while it was switched off is stopped."""
    return stop_stranded(limit=STRANDED_AT_ONCE) > 0


JOBS: Mapping[str, Job] = {
    "recovery": Job(recover_next, Group.OPERATIONS),
    "idempotency keys": Job(forget_keys, Group.OPERATIONS),
    "rate limits": Job(forget_buckets, Group.OPERATIONS),
    "old events": Job(forget_events, Group.OPERATIONS),
    "stranded deliveries": Job(stop_stranded_deliveries, Group.OPERATIONS),
    "old Stripe events": Job(forget_stripe_events, Group.OPERATIONS),
    "daily figures": Job(count_next_day, Group.OPERATIONS),
    "interrupted actions": Job(write_down_next, Group.OPERATIONS),
    "holds that lapse": Job(warn_of_next_lapse, Group.OPERATIONS),
    "reconciliation": Job(compare_next, Group.RECONCILIATION),
    "Stripe's events": Job(apply_next, Group.STRIPE_EVENTS),
    "deliveries": Job(deliver_next, Group.DELIVERIES),
}


def threads() -> list[Group]:
    """The group of each thread of a worker: one for a group, and WEBHOOK_THREADS for deliveries."""
    groups = [group for group in Group if any(job.group == group for job in JOBS.values())]
    return [group for group in groups for _ in range(settings.WEBHOOK_THREADS if group == Group.DELIVERIES else 1)]
