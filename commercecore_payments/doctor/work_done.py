"""Whether what has to be done by itself is done."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min, QuerySet

from commercecore_payments.clock import database_now
from commercecore_payments.doctor.verdicts import Verdict, fail, ok, warn
from commercecore_payments.heartbeats import BEAT_S, MISSED, seen_lately
from commercecore_payments.work import Group
from gateway.models import Operation
from reconciliation.by_worker import is_late
from reconciliation.models import Case, Run
from stripe_events.models import Status as StripeEventStatus
from stripe_events.models import StripeEvent
from webhooks.models import Delivery

# For how long something may be due before it is told: a worker looks every half second, and a restart takes a minute or two.
PATIENCE = timedelta(minutes=10)
WORKER_CURE = "Run manage.py worker beside the web server, and see what it logs."


def worker() -> Verdict:
    """Whether a worker is alive that does every kind of work."""
    alive = list(seen_lately())
    if not alive:
        return fail(f"No worker was seen in the last {MISSED * BEAT_S} s.", WORKER_CURE)
    missing = sorted(set(Group) - {group for one in alive for group in one.groups})
    if missing:
        return fail(f"No worker does: {', '.join(missing)}.", "Restart the workers: they are of an earlier release.")
    more = f" and {len(alive) - 3} more" if len(alive) > 3 else ""
    return ok(f"{', '.join(map(str, alive[:3]))}{more}.")


def operations() -> Verdict:
    """Whether operations without a known outcome are brought to their end."""
    in_review = Operation.objects.needing_review().count()
    if in_review:
        return warn(f"{in_review} operations wait for a person's decision.", "In the admin: Operations, Needs review.")
    overdue = _oldest(Operation.objects.due_for_recovery(database_now()), "next_recovery_at")
    return _judged_age(overdue, "An operation", "None is left without an outcome.")


def stripe_events() -> Verdict:
    """Whether Stripe's events are applied."""
    failed = StripeEvent.objects.filter(status=StripeEventStatus.FAILED).count()
    if failed:
        told = f"{failed} of Stripe's events could not be applied."
        return warn(told, "Their errors stand in the admin: Stripe events, in trouble; manage.py replay_stripe_events --failed.")
    return _judged_age(
        _oldest(StripeEvent.objects.due(database_now()), "next_attempt_at"), "An event of Stripe's", "All are applied."
    )


def deliveries() -> Verdict:
    """Whether consumers are told what happened."""
    due = Delivery.objects.filter(status=Delivery.Status.PENDING, next_attempt_at__lte=database_now())
    return _judged_age(_oldest(due, "next_attempt_at"), "A delivery to a consumer", "None is overdue.")


def _oldest(rows: QuerySet, column: str) -> datetime | None:
    moment: datetime | None = rows.order_by().aggregate(oldest=Min(column))["oldest"]
    return moment


def _judged_age(due_at: datetime | None, what: str, fine: str) -> Verdict:
    age = database_now() - due_at if due_at is not None else timedelta()
    if age <= PATIENCE:
        return ok(fine)
    return warn(f"{what} has been due for {_in_words(age)}.", WORKER_CURE)


def _in_words(age: timedelta) -> str:
    hours, minutes = divmod(int(age.total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def reconciliation() -> Verdict:
    """Whether our records were compared with Stripe's books, and agree."""
    last = Run.objects.ended().of_everything().first()
    if last is None:
        told, cure = "Our records were never compared with Stripe's books.", "Run manage.py reconcile."
        return ok("Nothing was compared yet, as in a new sandbox.") if settings.STRIPE_SANDBOX else warn(told, cure)
    if last.status == Run.Status.FAILED:
        return warn(
            f"The last comparison, {last}, could not be finished: {last.error}", "Run manage.py reconcile, and see what it says."
        )
    if last.not_compared:
        told = f"The last comparison, {last}, left out: {', '.join(last.not_compared)}."
        return warn(told, "Its page in the admin says why: Reconciliation, Runs.")
    age = database_now() - last.started_at
    if is_late(last):
        return warn(f"The last comparison began {_in_words(age)} ago.", WORKER_CURE)
    open_cases = Case.objects.open().count()
    if open_cases:
        return warn(f"{_cases(open_cases)} open in which our records and Stripe's differ.", "In the admin: Cases.")
    return ok(f"{last}, {_in_words(age)} ago: no case is open.")


def _cases(number: int) -> str:
    return "1 case is" if number == 1 else f"{number} cases are"
