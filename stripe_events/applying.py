"""Applying stored events, by the same functions that settle the API's own operations. Applying one twice changes nothing.

Any number of workers may apply at once. What cannot be applied is kept with its error and tried again, by FAILURE_WAITS; what
waits for something that is under way here is looked at again in a moment, for as long as it takes.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import ConnectedAccount
from commercecore_payments.clock import database_now, now
from commercecore_payments.errors import Conflict, ServiceError
from gateway.client import API_VERSION
from gateway.events import NotYet, ReceivedEvent
from gateway.models import CALL_BUDGET, Kind, Operation
from stripe_events.handlers import HANDLERS
from stripe_events.models import Status, StripeEvent
from stripe_events.receipt import strange

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

UNHANDLED = "Nothing here depends on events of this type."
DEAUTHORIZED = "account.application.deauthorized"


def apply_at_once(event: StripeEvent) -> None:
    """Applies an event that has just been received where Stripe need not be asked; else the worker does it.

    Nothing that fails here is raised: the event is stored, and the worker tries again.
    """
    if event.status != Status.PENDING:
        return
    meaning = HANDLERS.get(event.type)
    if meaning is None:
        _mark(event, Status.UNHANDLED, UNHANDLED)
        return
    if meaning.known is None:
        return
    try:
        note = meaning.known(received(event))
    except Exception:
        logger.exception("event %s could not be applied at once", event)
        return
    if note is not None:
        _mark(event, Status.APPLIED, note)


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
    except Conflict as waiting:  # an operation is under way, or the account is being deleted
        _wait(event, waiting.message)
    except ServiceError as error:
        _fail(event, error.message)
    except Exception as error:
        logger.exception("event %s could not be applied", event)
        _fail(event, f"{type(error).__name__}: {error}")
    else:
        _mark(event, status, note)
    event.refresh_from_db()
    return event


def _apply(event: StripeEvent) -> tuple[Status, str]:
    meaning = HANDLERS.get(event.type)
    if meaning is None:
        return Status.UNHANDLED, UNHANDLED
    stranger = _why_strange(event)
    if stranger:
        return Status.QUARANTINED, stranger
    if event.account_id and event.type != DEAUTHORIZED and _account_is_deleted(event):
        return Status.APPLIED, "The account is deleted: what belongs to it stays as it was last seen."
    handed = received(event)
    known = meaning.known(handed) if meaning.known is not None else None
    return Status.APPLIED, known if known is not None else meaning.apply(handed)


def _why_strange(event: StripeEvent) -> str:
    """Why the event is not ours to apply; empty where it is. Raises NotYet where its account may be on its way.

    An account whose creation is open may be the one: whether one is open is asked first, so that none ends in between unseen.
    """
    if strange(event.payload):
        return strange(event.payload)
    may_be_on_its_way = Operation.objects.open().filter(kind=Kind.ACCOUNT_CREATE).exists()
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
    StripeEvent.objects.filter(pk=event.pk).update(status=Status.PENDING, note=reason, next_attempt_at=due_at)


def _fail(event: StripeEvent, error: str) -> None:
    """Noted, and due again by FAILURE_WAITS; after the last of them it is left to a person."""
    failures = event.failures + 1
    given_up = failures > len(FAILURE_WAITS)
    due_at = _due_after(failures, database_now())
    StripeEvent.objects.filter(pk=event.pk).update(
        status=Status.FAILED if given_up else Status.PENDING, error=error, failures=failures, next_attempt_at=due_at
    )
    log = logger.error if given_up else logger.warning
    log("event %s %s was not applied (attempt %s): %s", event, event.type, failures, error)


def _due_after(failures: int, moment: datetime) -> datetime:
    return moment + FAILURE_WAITS[min(failures, len(FAILURE_WAITS)) - 1]
