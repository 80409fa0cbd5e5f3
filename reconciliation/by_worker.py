"""The comparisons that the worker carries out, one account after the other: each night's, and those that the staff asks for."""

import logging
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import Error, IntegrityError, transaction

from commercecore_payments.clock import database_now, now
from commercecore_payments.errors import ServiceError
from reconciliation.errors import RunTakenOver, RunUnderWay
from reconciliation.models import Run
from reconciliation.processes import is_gone, this_process
from reconciliation.running import Runner, hold, new_run, refuse_unknown
from reconciliation.scope import Scope

logger = logging.getLogger(__name__)

NIGHTLY = "nightly"
ASKED_BY = "the worker, nightly"
# Stripe that cannot be reached is asked again after so long.
RETRY_AFTER = timedelta(minutes=10)
# A night's comparison begins within so long, or not before the next night: a worker that is started at noon leaves Stripe in
# peace. One that has begun goes on until the next one begins.
NIGHT_LASTS = timedelta(hours=6)
# A comparison begins every night; half a day more is left for one that takes hours, so a night that was missed is told before the
# next one.
LATE_AFTER = timedelta(hours=36)


def ask_for_run(scope: Scope, *, mends: bool, asked_by: str) -> Run:
    """A comparison that a worker begins within moments. Raises RunUnderWay where the same was asked for and has not ended.

    Raises NothingToCompare for an account or an app that is not known.
    """
    refuse_unknown(scope)
    try:
        with transaction.atomic():
            return new_run(scope, mends=mends, asked=f"{scope.in_words}, by the staff", asked_by=asked_by, by_worker=True)
    except IntegrityError:  # one_run_at_a_time_of_what_is_asked
        raise RunUnderWay(holder="the worker") from None


def is_late(last: Run) -> bool:
    """Whether all books should have been compared again since this comparison: never where none is made nightly."""
    return settings.RECONCILE_NIGHTLY_AT is not None and database_now() - last.started_at > LATE_AFTER


def compare_next() -> bool:
    """The next piece of a comparison that is the worker's; whether there was one to do.

    Raises nothing that Stripe does: the run waits, and is continued.
    """
    _begin_the_night()
    moment = database_now()
    runs = Run.objects.filter(status=Run.Status.RUNNING, by_worker=True).order_by("started_at", "pk")
    run = next((run for run in runs if _may_go_on(run, moment)), None)
    if run is None:
        return False
    try:
        Runner(hold(run)).next_piece()
    except (RunUnderWay, RunTakenOver):  # another worker is at it
        return False
    except ServiceError as error:
        _wait(run, error.message)
        return False
    except Error:
        raise  # the worker logs it, and goes on
    except Exception as error:  # a list that nobody can read must not end the worker, which has other things to do
        logger.exception("run %s waits", run.pk)
        _wait(run, f"{type(error).__name__}: the log says more.")
        return False
    return True


def _may_go_on(run: Run, moment: datetime) -> bool:
    """Whether it is this worker's, or nobody's: none has begun it, the lease has run out, or its holder is surely gone."""
    is_free = run.leased_until is None or run.leased_until < moment
    return is_free or run.holder == this_process() or is_gone(run.holder)


def _wait(run: Run, why: str) -> None:
    """Gives it up for RETRY_AFTER, unless another worker has taken it over meanwhile."""
    held = Run.objects.filter(pk=run.pk, holder=this_process(), status=Run.Status.RUNNING)
    held.update(error=why, holder="", leased_until=database_now() + RETRY_AFTER)


def _begin_the_night() -> None:
    """Asks for the present night's comparison, once; one of an earlier night that has not ended is given up."""
    at: time | None = settings.RECONCILE_NIGHTLY_AT
    if at is None:
        return
    began = _last(at)
    asked = f"{NIGHTLY} {began:%Y-%m-%d}"
    if now() - began >= NIGHT_LASTS or Run.objects.filter(asked=asked).exists():
        return
    earlier = Run.objects.filter(status=Run.Status.RUNNING, asked__startswith=NIGHTLY)
    earlier.update(status=Run.Status.FAILED, finished_at=now(), holder="", error="It did not end before the next night.")
    try:
        with transaction.atomic():
            new_run(Scope(since=_since(began)), mends=True, asked=asked, asked_by=ASKED_BY, by_worker=True)
    except IntegrityError:  # another worker has just asked for it
        return


def _last(at: time) -> datetime:
    """When this time of day was last."""
    moment = now()
    today = moment.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return today if today <= moment else today - timedelta(days=1)


def _since(began: datetime) -> datetime | None:
    days = settings.RECONCILE_NIGHTLY_DAYS
    return began - timedelta(days=days) if days else None
