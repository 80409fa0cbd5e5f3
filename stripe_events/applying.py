"""Applying stored events, by the same functions that settle the API's own operations. Applying one twice changes nothing.

Any number of workers may apply at once. What cannot be applied is kept with its error and tried again, by FAILURE_WAITS; what
waits for something that is under way here is looked at again in a moment, for as long as it takes.
"""

import logging
from datetime import datetime, timedelta

from django.db import Error as DatabaseFailure
from django.db import transaction
from django.db.models import QuerySet

from accounts.errors import AccountInUse
from accounts.models import ConnectedAccount
from commercecore_payments.clock import database_now, now
from commercecore_payments.errors import ServiceError
from gateway.client import API_VERSION
from gateway.errors import OperationInProgress
from gateway.events import NotYet, ReceivedEvent
from gateway.models import CALL_BUDGET, RECOVERABLE_STATUSES, Kind, Operation
from stripe_events.handlers import HANDLERS, Meaning
from stripe_events.models import Status, StripeEvent
from stripe_events.receipt import reason_to_quarantine

logger = logging.getLogger(__name__)

# One event is read anew from Stripe by a call or two. Whoever died is followed then.
LEASE = 2 * CALL_BUDGET
# After an error: soon at first, since most pass by themselves, and then over a day, in which a person can mend the others.
FAILURE_WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=20),
)
# What is under way here ends within CALL_BUDGET: so long it is looked for every second. What takes longer has lost its outcome,
# and waits for recovery, whose first looks lie minutes apart.
WAIT = timedelta(seconds=1)
LONG_WAIT = timedelta(seconds=30)

# An event of an unknown account waits for an account that is being created. Recovery has looked three times by then.
ACCOUNT_IS_AWAITED_FOR = timedelta(hours=1)


def apply_next() -> bool:
    """Applies the event that is longest due; whether there was any."""
    event = _claim()
    if event is None:
        return False
    apply_now(event)
    return True


def _claim() -> StripeEvent | None:
    """The event that is longest due, taken for LEASE; None where none is due that nobody else has taken."""
    if not StripeEvent.objects.due(database_now()).exists():
        return None  # a look first: on SQLite each transaction that may write waits for the one writer
    with transaction.atomic(durable=True):
        moment = database_now()
        event: StripeEvent | None = StripeEvent.objects.due(moment).select_for_update(skip_locked=True).first()
        if event is not None:
            event.next_attempt_at = moment + LEASE
            event.save(update_fields=["next_attempt_at"])
        return event


def apply_now(event: StripeEvent) -> StripeEvent:
    """Applies a stored event, whatever became of it before, and notes what came of it. Nothing that fails is raised."""
    try:
        status, note = _apply(event)
    except NotYet as waiting:
        _wait(event, str(waiting))
    except (OperationInProgress, AccountInUse) as waiting:
        _wait(event, waiting.message)
    except ServiceError as error:
        _fail(event, error.message)
    except DatabaseFailure as error:  # its text may repeat a whole row, which is nothing to keep twice
        logger.exception("event %s could not be applied", event)
        _fail(event, f"{type(error).__name__}: the log says more.")
    except Exception as error:  # one that cannot be applied must not keep the others from it
        logger.exception("event %s could not be applied", event)
        _fail(event, f"{type(error).__name__}: {error}")
    else:
        _mark(event, status, note)
    event.refresh_from_db()
    return event


def _apply(event: StripeEvent) -> tuple[Status, str]:
    meaning = HANDLERS.get(event.type)
    nothing_to_do = _why_nothing_to_do(event, meaning)
    if meaning is None or nothing_to_do:
        return Status.UNHANDLED, nothing_to_do
    reason = _why_quarantined(event)
    if reason:
        return Status.QUARANTINED, reason
    if event.account_id and not meaning.of_deleted_accounts and _account_is_deleted(event):
        return Status.APPLIED, "The account is deleted: what belongs to it stays as it was last seen."
    handed = received(event)
    note = meaning.without_asking(handed) if meaning.without_asking is not None else None
    return Status.APPLIED, note if note is not None else meaning.apply(handed)


def _why_nothing_to_do(event: StripeEvent, meaning: Meaning | None) -> str:
    """Why the event changes nothing of ours, whatever it says; empty where it may."""
    if meaning is None:
        return "Nothing here depends on events of this type."
    if not event.account_id and not meaning.of_the_platform:
        return "It is about an object of the platform's own, of which there is no record here."
    return "" if event.object_id else "It names no object."


def _why_quarantined(event: StripeEvent) -> str:
    """Why the event is not ours to apply; empty where it is. Raises NotYet where its account may be on its way.

    An account whose creation is open may be the one: whether one is open is asked first, so that none ends in between unseen.
    One that is open for long has lost its outcome: when that is found the account is read, and misses no event.
    """
    if reason_to_quarantine(event.payload):
        return reason_to_quarantine(event.payload)
    recent = database_now() - ACCOUNT_IS_AWAITED_FOR
    creations = Operation.objects.filter(kind=Kind.ACCOUNT_CREATE, status__in=RECOVERABLE_STATUSES, created_at__gt=recent)
    may_be_on_its_way = creations.exists()
    if not event.account_id or ConnectedAccount.objects.filter(stripe_account_id=event.account_id).exists():
        return ""
    if may_be_on_its_way:
        raise NotYet("The account is not known here, and one is being created.")
    return "The account is not known here."


def _account_is_deleted(event: StripeEvent) -> bool:
    account: ConnectedAccount = ConnectedAccount.objects.get(stripe_account_id=event.account_id)
    return account.is_deleted


def received(event: StripeEvent) -> ReceivedEvent:
    """The event as the apps are handed it."""
    return ReceivedEvent(
        id=event.event_id,
        type=event.type,
        account_id=event.account_id,
        created=event.happened_at,
        object=event.content,
        is_in_our_version=event.api_version == API_VERSION,
    )


def _mark(event: StripeEvent, status: Status, note: str) -> None:
    moment = now() if status in (Status.APPLIED, Status.UNHANDLED) else None
    StripeEvent.objects.filter(pk=event.pk).update(status=status, note=note, error="", failures=0, applied_at=moment)


def _wait(event: StripeEvent, reason: str) -> None:
    moment = database_now()
    is_young = moment - event.received_at <= CALL_BUDGET
    due_at = moment + (WAIT if is_young else LONG_WAIT)
    _as_it_was(event).update(status=Status.PENDING, note=reason, next_attempt_at=due_at)


def _fail(event: StripeEvent, error: str) -> None:
    """Noted, and due again by FAILURE_WAITS; after the last of them it is left to a person."""
    failures = event.failures + 1
    given_up = failures > len(FAILURE_WAITS)
    due_at = _due_after(failures, database_now())
    _as_it_was(event).update(
        status=Status.FAILED if given_up else Status.PENDING, error=error, failures=failures, next_attempt_at=due_at
    )
    log = logger.error if given_up else logger.warning
    log("event %s %s was not applied (attempt %s): %s", event, event.type, failures, error)


def _as_it_was(event: StripeEvent) -> QuerySet[StripeEvent]:
    """The event, unless somebody else has applied it or taken it over meanwhile: their word stands."""
    unchanged: QuerySet[StripeEvent] = StripeEvent.objects.filter(
        pk=event.pk, status=event.status, next_attempt_at=event.next_attempt_at
    )
    return unchanged


def _due_after(failures: int, moment: datetime) -> datetime:
    return moment + FAILURE_WAITS[min(failures, len(FAILURE_WAITS)) - 1]
