"""Deliveries: taken by one worker for a while, given back, and settled by what came of a post.

Any number of workers take deliveries at once. What keeps them apart is the lease of a row, and its number of attempts, which
is the fencing token: whoever held a row for too long settles it no more. Locks are taken in one order, the endpoint's before
its deliveries', as webhooks.endpoints takes them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import connection, transaction
from django.db.models import BooleanField, Case, Count, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from commercecore_payments.clock import database_now, now
from commercecore_payments.environments import current_environment
from webhooks.endpoints import stop_deliveries, switch_off
from webhooks.models import (
    MAX_ANSWER_LENGTH,
    MAX_ERROR_LENGTH,
    Delivery,
    DeliveryAttempt,
    WebhookEndpoint,
)
from webhooks.schedule import GIVEN_UP_AFTER, GIVEN_UP_AFTER_ATTEMPTS, is_success, pause_asked, wait_after

# Deliveries of one endpoint that a worker takes at once: they share a connection, and one look for the endpoint.
BATCH_SIZE = 10
# Deliveries of one endpoint that all workers hold together, whichever process they are of: two batches, since more at once would
# take an endpoint by storm that has just come back.
MOST_AT_ONCE = 2 * BATCH_SIZE
# Longer than a batch can take: nine posts of up to 2 s (a slower one is the batch's last) and one of 15 s are 33 s. A killed
# worker's deliveries go again after that.
LEASE = timedelta(seconds=60)
# Endpoints that are looked at where another worker was quicker at the first.
CANDIDATES = 3

# The endpoints that something is pending for: from each to the next in the index `delivery_due`, so that neither the endpoints
# without deliveries count nor how many one has. Django's queries have no such step; the order is the index's own, and the
# status is spelled out, since SQLite uses the index of some rows for no parameter.
_PENDING = "SELECT endpoint_id FROM webhooks_delivery WHERE status = 'pending' AND environment = %s"
_FIRST = "ORDER BY endpoint_id, next_attempt_at, sequence LIMIT 1"
_ENDPOINTS_WITH_PENDING = f"""
    WITH RECURSIVE found (endpoint_id) AS (
        SELECT ({_PENDING} {_FIRST})
        UNION ALL
        SELECT ({_PENDING} AND endpoint_id > found.endpoint_id {_FIRST}) FROM found WHERE found.endpoint_id IS NOT NULL
    )
    SELECT endpoint_id FROM found WHERE endpoint_id IS NOT NULL
"""  # noqa: S608 - of constants alone


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries that this worker holds for LEASE, in their order, and the endpoint that they all go to."""

    endpoint: WebhookEndpoint
    deliveries: Sequence[Delivery]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt: an answer with `http_status`, or an `error`, a sentence why there is none."""

    started_at: datetime
    duration_ms: int
    http_status: int | None = None
    answer: str = ""
    error: str = ""
    retry_after_s: int | None = None
    # The address that was posted to; the endpoint's may be another one since.
    url: str = ""
    # Not where the failure is our own: an endpoint is not switched off for that.
    is_endpoints_own: bool = True

    @property
    def is_success(self) -> bool:
        return is_success(self.http_status)


def claim(*, failing_too: bool = True, leaving: Collection[str] = (), busy_apps: Collection[str] = ()) -> Batch | None:
    """Takes what is due at one endpoint, the longest due first; None where nothing is due that nobody else has taken.

    First come endpoints at which all is well, of these those of apps that nobody is busy for, and of these the ones at which
    nobody is: so one app's backlog delays no other app. At a failing one a post may last until its timeout: those come last, or
    not at all. `leaving`: endpoints that are not to be taken now.
    """
    for endpoint in _endpoints_with_work(database_now(), failing_too=failing_too, leaving=leaving, busy_apps=busy_apps):
        deliveries = _take(endpoint, _allowed(endpoint))
        if deliveries:
            return Batch(endpoint, deliveries)
    return None


def _endpoints_with_work(
    moment: datetime, *, failing_too: bool, leaving: Collection[str], busy_apps: Collection[str]
) -> list[WebhookEndpoint]:
    pending = [endpoint_id for endpoint_id in _endpoints_with_pending() if endpoint_id not in leaving]
    if not pending:
        return []
    of_endpoint = Delivery.objects.filter(endpoint=OuterRef("pk")).order_by()
    longest_due = _free(of_endpoint.due(moment), moment).order_by("next_attempt_at", "sequence")
    leased = of_endpoint.filter(leased_until__gt=moment).values("endpoint").annotate(number=Count("pk"))
    endpoints = WebhookEndpoint.objects.enabled().filter(Q(paused_until=None) | Q(paused_until__lte=moment), pk__in=pending)
    endpoints = endpoints.annotate(
        due_since=Subquery(longest_due.values("next_attempt_at")[:1]),
        leased=Coalesce(Subquery(leased.values("number")), 0),
        is_failing=ExpressionWrapper(Q(failing_since__isnull=False), BooleanField()),
        is_of_busy_app=Case(When(app__in=busy_apps, then=1), default=0),
    )
    has_room = Q(failing_since=None, leased__lt=MOST_AT_ONCE)
    if failing_too:  # one at which nothing arrives is tried by one worker at a time, with one delivery
        has_room |= Q(failing_since__isnull=False, leased=0)
    with_room = endpoints.filter(has_room, due_since__isnull=False)
    return list(with_room.order_by("is_failing", "is_of_busy_app", "leased", "due_since", "pk")[:CANDIDATES])


def _endpoints_with_pending() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_ENDPOINTS_WITH_PENDING, [current_environment()] * 2)
        return [endpoint_id for (endpoint_id,) in cursor.fetchall()]


def _free(deliveries: QuerySet[Delivery], moment: datetime) -> QuerySet[Delivery]:
    return deliveries.filter(Q(leased_until=None) | Q(leased_until__lte=moment))


def _allowed(endpoint: WebhookEndpoint) -> int:
    leased: int = getattr(endpoint, "leased")  # noqa: B009 - annotated by the query above
    return 1 if endpoint.failing_since is not None else min(BATCH_SIZE, MOST_AT_ONCE - leased)


def _take(endpoint: WebhookEndpoint, most: int) -> list[Delivery]:
    with transaction.atomic(durable=True):
        moment = database_now()
        due = _free(Delivery.objects.filter(endpoint=endpoint).due(moment), moment).order_by("next_attempt_at", "sequence")
        locked = due.select_related("event").select_for_update(skip_locked=True, of=("self",), no_key=True)
        deliveries = list(locked[:most])
        Delivery.objects.filter(pk__in=[one.pk for one in deliveries]).update(
            attempts=F("attempts") + 1, leased_until=moment + LEASE
        )
    for one in deliveries:
        one.attempts += 1
    return deliveries


def give_back(deliveries: Sequence[Delivery]) -> None:
    """Frees what was taken and not posted, as if it had not been taken: another worker may have it at once."""
    for one in deliveries:
        held = Delivery.objects.filter(pk=one.pk, attempts=one.attempts)
        held.update(attempts=F("attempts") - 1, leased_until=None)


def record(delivery: Delivery, result: Result) -> WebhookEndpoint:
    """Writes down what came of an attempt, and moves the delivery and its endpoint; answers the endpoint as it is now.

    Where another worker has taken the delivery since, the attempt is written down and the delivery is left to it.
    """
    with transaction.atomic(durable=True):
        endpoint = _settle_success(delivery) if result.is_success else _settle_failure(delivery, result)
        DeliveryAttempt.objects.create(
            delivery_id=delivery.pk,
            number=delivery.attempts,
            started_at=result.started_at,
            duration_ms=result.duration_ms,
            http_status=result.http_status,
            error=result.error[:MAX_ERROR_LENGTH],
            answer=result.answer[:MAX_ANSWER_LENGTH],
        )
    return endpoint


def _settle_success(delivery: Delivery) -> WebhookEndpoint:
    endpoint: WebhookEndpoint = WebhookEndpoint.objects.get(pk=delivery.endpoint_id)
    if endpoint.failing_since is not None:
        endpoint.failing_since = None
        endpoint.save(update_fields=["failing_since"])
    # What was stopped while it was posted has arrived all the same.
    held = _held(delivery).filter(status__in=(Delivery.Status.PENDING, Delivery.Status.STOPPED))
    held.update(
        status=Delivery.Status.SUCCEEDED,
        scheduled_attempts=F("scheduled_attempts") + 1,
        leased_until=None,
        finished_at=now(),
    )
    return endpoint


def _settle_failure(delivery: Delivery, result: Result) -> WebhookEndpoint:
    endpoint: WebhookEndpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    moment = database_now()
    is_of_present_address = result.url in ("", endpoint.url)
    _put_off(delivery, moment, retry_after_s=(result.retry_after_s or 0) if is_of_present_address else 0)
    if result.is_endpoints_own and is_of_present_address:
        _note_failure(endpoint, result, moment)
    if not endpoint.is_enabled:
        stop_deliveries(endpoint)
    return endpoint


def _held(delivery: Delivery) -> QuerySet[Delivery]:
    """The delivery as this attempt holds it: no row where another attempt has followed."""
    rows: QuerySet[Delivery] = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts)
    return rows


def _put_off(delivery: Delivery, moment: datetime, *, retry_after_s: int) -> None:
    """It is due again by the schedule, or later where the receiver asks for that; failed after the last attempt."""
    stored = _held(delivery).select_for_update(no_key=True).first()
    if stored is None:
        return
    stored.leased_until = None
    if stored.status == Delivery.Status.PENDING:
        stored.scheduled_attempts += 1
        wait = wait_after(stored.scheduled_attempts)
        if wait is None:
            stored.status, stored.finished_at = Delivery.Status.FAILED, now()
        else:
            stored.next_attempt_at = moment + max(wait, timedelta(seconds=retry_after_s))
    stored.save(update_fields=["leased_until", "status", "scheduled_attempts", "next_attempt_at", "finished_at"])


def _note_failure(endpoint: WebhookEndpoint, result: Result, moment: datetime) -> None:
    """What a failure means for the endpoint, which the caller has locked: it is spared for a while, or switched off."""
    pause = pause_asked(result.http_status, result.retry_after_s)
    if pause is not None:
        endpoint.paused_until = max(endpoint.paused_until or moment, moment + pause)
    endpoint.failing_since = endpoint.failing_since or moment
    endpoint.save(update_fields=["paused_until", "failing_since"])
    if result.http_status == HTTPStatus.GONE:
        switch_off(endpoint, reason=WebhookEndpoint.DisabledReason.GONE)
    elif endpoint.failing_since <= moment - GIVEN_UP_AFTER and _was_tried_enough(endpoint):
        switch_off(endpoint, reason=WebhookEndpoint.DisabledReason.FAILING)


def _was_tried_enough(endpoint: WebhookEndpoint) -> bool:
    """Whether a delivery failed for good since the first failure, or enough attempts, the present one with them."""
    failed = Delivery.objects.filter(endpoint=endpoint, status=Delivery.Status.FAILED, finished_at__gte=endpoint.failing_since)
    # The present attempt is written down after this, and the first one was begun before `failing_since`.
    others = DeliveryAttempt.objects.filter(delivery__endpoint=endpoint, started_at__gte=endpoint.failing_since)
    return failed.exists() or others[: GIVEN_UP_AFTER_ATTEMPTS - 1].count() == GIVEN_UP_AFTER_ATTEMPTS - 1


def stop_stranded(*, limit: int) -> int:
    """Stops up to `limit` deliveries that were planned just while their endpoint was switched off or deleted; how many."""
    moment = database_now()
    is_off = Q(endpoint__status=WebhookEndpoint.Status.DISABLED) | Q(endpoint__deleted_at__isnull=False)
    stranded = list(_free(Delivery.objects.waiting(), moment).filter(is_off).values_list("pk", flat=True)[:limit])
    if not stranded:
        return 0
    with transaction.atomic(durable=True):
        still = _free(Delivery.objects.waiting(), moment).filter(is_off, pk__in=stranded)
        # Whoever holds one stops it itself; nobody waits for anybody, in whichever order they come.
        locked = still.select_for_update(skip_locked=True, of=("self",), no_key=True).values_list("pk", flat=True)
        chosen = Delivery.objects.filter(pk__in=list(locked))
        return int(chosen.update(status=Delivery.Status.STOPPED, finished_at=now()))
