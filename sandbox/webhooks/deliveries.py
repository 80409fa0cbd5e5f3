"""Events on their way to webhook endpoints: planned with the event, posted later, and again where that failed."""

from datetime import datetime, timedelta

import stripe
from django.db import transaction
from django.db.models import F, Q, QuerySet

from commercecore_payments import clock  # the real one: a receiver judges a signature's age by it
from sandbox.api.wire import Answer
from sandbox.models import SandboxDelivery, SandboxObject
from sandbox.webhooks import event_faults, own_door, receivers

Status = SandboxDelivery.Status
# In test mode Stripe "retries three times over the course of a few hours" (https://docs.stripe.com/webhooks#retries); the
# single waits are not published and the sandbox's own.
WAITS = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=2))
# For this long a delivery belongs to the process that took it: longer than a post can take (receivers.LONGEST_S).
LEASE = timedelta(seconds=60)
ERROR_LENGTH = 500  # of what is kept of a failure's text: enough to see why
ALL_EVENTS = "*"


def endpoints_for(account: str, event_type: str) -> list[SandboxObject]:
    """The enabled endpoints that an event goes to: an account's own, and the platform's for connected accounts."""
    own = Q(account=account, hidden__connect=False)
    of_platform = Q(account="", hidden__connect=True) if _reaches_the_platform(account, event_type) else Q(pk__in=[])
    rows = SandboxObject.objects.filter(own | of_platform, object_type="webhook_endpoint", deleted=False)
    return [
        row
        for row in rows.filter(data__status="enabled").order_by("pk")
        if {ALL_EVENTS, event_type} & set(row.data["enabled_events"])
    ]


def _reaches_the_platform(account: str, event_type: str) -> bool:
    """Whether the platform hears of an account's event: after the account has left, of nothing but that."""
    if event_type == "account.application.deauthorized":
        return True
    left = SandboxObject.objects.filter(object_type="account", stripe_id=account, hidden__left=True)
    return account != "" and not left.exists()


def plan(event: SandboxObject, endpoints: list[SandboxObject]) -> None:
    """Notes that an event goes to each endpoint now, or as ordered faults have it; in the event's transaction."""
    now = clock.now()
    planned = [SandboxDelivery(event=event, endpoint=row, due_at=now, created_at=now) for row in endpoints]
    SandboxDelivery.objects.bulk_create(event_faults.befall(event, planned))


def deliver_due(limit: int = 100) -> int:
    """Posts up to `limit` deliveries that are due, the earliest first. Answers how many were tried.

    No transaction is open while one is posted, and of two processes each takes its own.
    """
    tried = 0
    while tried < limit and _due(clock.now()).exists():
        delivery = claim()
        if delivery is None:
            break
        _try(delivery)
        tried += 1
    return tried


def _due(now: datetime) -> QuerySet[SandboxDelivery]:
    return SandboxDelivery.objects.filter(status__in=(Status.PENDING, Status.HELD), due_at__lte=now)


def claim() -> SandboxDelivery | None:
    """Takes the earliest delivery that is due: nobody else does until its lease is over, should this process die."""
    with transaction.atomic():
        now = clock.now()
        row = _due(now).select_for_update(skip_locked=True).order_by("due_at", "pk").first()
        if row is None:
            return None
        row.status, row.attempts, row.due_at = Status.PENDING, row.attempts + 1, now + LEASE
        row.save()
    return row


def _try(delivery: SandboxDelivery) -> None:
    endpoint, event = delivery.endpoint, delivery.event
    if endpoint.deleted or endpoint.data["status"] != "enabled":
        _finish(delivery, Status.FAILED, error="The endpoint was disabled or deleted.")
        return
    text = signed_text(event)
    signature = stripe.WebhookSignature.generate_signature_header(text, endpoint.hidden["secret"], int(clock.now().timestamp()))
    try:
        status = _post(endpoint.data["url"], text, signature)
    except receivers.NotDelivered as failed:
        _try_again_later(delivery, error=str(failed))
        return
    if 200 <= status < 300:
        _finish(delivery, Status.SUCCEEDED, status=status)
        _release_overtaken(delivery)
    else:
        _try_again_later(delivery, status=status)


def _post(url: str, text: str, signature: str) -> int:
    """The receiver's status. Raises receivers.NotDelivered."""
    return own_door.post(text, signature) if url == own_door.URL else receivers.post(url, text, signature)


def signed_text(event: SandboxObject) -> str:
    """The event as it is posted, to the letter: what the signature covers."""
    return Answer(200, event.data).text()


def _try_again_later(delivery: SandboxDelivery, *, status: int | None = None, error: str = "") -> None:
    if delivery.attempts > len(WAITS):
        _finish(delivery, Status.FAILED, status=status, error=error)
        return
    due_at = clock.now() + WAITS[delivery.attempts - 1]
    _finish(delivery, Status.PENDING, status=status, error=error, due_at=due_at)


def _finish(
    delivery: SandboxDelivery, became: str, *, status: int | None = None, error: str = "", due_at: datetime | None = None
) -> None:
    """Keeps how an attempt ended, unless its lease was over and another process has made one since."""
    mine = SandboxDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts)
    told = {"status": became, "last_status": status, "last_error": error[:ERROR_LENGTH]}
    mine.update(**told, due_at=due_at or F("due_at"))


def _release_overtaken(delivery: SandboxDelivery) -> None:
    """A later event has arrived at the endpoint: what was held back for it goes now."""
    held = SandboxDelivery.objects.filter(endpoint=delivery.endpoint, status=Status.HELD, event__lt=delivery.event_id)
    held.update(status=Status.PENDING, due_at=clock.now())
