"""What may wait for an operator: each figure with the list where those records are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, Min, Model, QuerySet
from django.http import HttpRequest

from accounts.models import ConnectedAccount
from accounts.readiness_admin import cannot_be_paid
from commercecore_payments.admin.display import address_of, list_address
from commercecore_payments.admin.lists import MOST_COUNTED, count_in_words, counted
from commercecore_payments.admin_site import may_see
from commercecore_payments.clock import now
from disputes.admin import URGENT
from disputes.models import Dispute
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from reconciliation.by_worker import is_late
from reconciliation.models import Case, Run
from refunds.models import ApprovalStatus, Refund, RefundApproval
from refunds.models import Status as RefundStatus
from stripe_events.admin import overdue as overdue_among_stripe_events
from stripe_events.models import Status as StripeEventStatus
from stripe_events.models import StripeEvent
from transactions.models import Status as TransactionStatus
from transactions.models import Transaction
from transactions.operations.capture_warnings import WARNED_HOURS_BEFORE
from webhooks.admin import overdue as overdue_among_deliveries
from webhooks.models import Delivery, WebhookEndpoint

# Until when a hold is shown as about to lapse: since its app is told so.
LAPSES_SOON = timedelta(hours=WARNED_HOURS_BEFORE[0])
# A wrong secret or a wrong mode of an endpoint at Stripe shows in the first minutes; a week leaves nobody's holidays out.
SHOWN_FOR = timedelta(days=7)
NO_WORKER = "no worker runs, or too few do"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts, and the list where those records are. One that is no trouble at zero is quiet there."""

    title: str
    count: str
    address: str
    detail: str = ""
    calls_for_action: bool = False
    is_critical: bool = False


def figures_for(request: HttpRequest) -> list[Figure]:
    """Those that the user may open; first what is critical, then what calls for action."""
    permitted = [make for model, make in FIGURES if may_list(request, model)]
    figures = [figure for make in permitted for figure in make()]
    return sorted(figures, key=lambda figure: (not figure.is_critical, not figure.calls_for_action))


def may_list(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site.is_registered(model) and may_see(model._meta.app_label, str(model._meta.model_name))(request)


def operations_in_review() -> Iterator[Figure]:
    count, any_ = _count(Operation.objects.needing_review())
    address = list_address(Operation, status=OperationStatus.NEEDS_REVIEW.value)
    yield Figure("Operations to review", count, address, calls_for_action=any_, is_critical=any_)


def refunds_to_approve() -> Iterator[Figure]:
    """Those that somebody of the staff asked for, and that wait for another."""
    waiting = RefundApproval.objects.waiting()
    count, any_ = _count(waiting)
    address = list_address(RefundApproval, status__exact=ApprovalStatus.WAITING.value)
    yield Figure("Refunds that wait for a second person", count, address, calls_for_action=any_)


def holds_about_to_lapse() -> Iterator[Figure]:
    count, any_, first = _count_and_first(lapsing_holds(), "capture_before")
    detail = f"the first at {first:%Y-%m-%d %H:%M} UTC" if first is not None else ""
    is_critical = first is not None and first - now() < timedelta(hours=WARNED_HOURS_BEFORE[-1])
    yield Figure("Holds about to lapse", count, lapsing_holds_address(), detail, any_, is_critical)


def lapsing_holds() -> QuerySet[Any]:
    """Held money that is lost unless it is captured within LAPSES_SOON."""
    return Transaction.objects.filter(status=TransactionStatus.REQUIRES_CAPTURE, capture_before__lt=now() + LAPSES_SOON)


def lapsing_holds_address(**filters: Any) -> str:
    held = TransactionStatus.REQUIRES_CAPTURE.value
    return list_address(Transaction, status__exact=held, capture_before__lt=in_an_address(now() + LAPSES_SOON), **filters)


def disputes_to_answer() -> Iterator[Figure]:
    """With the nearest date until which evidence is taken."""
    count, any_, due = _count_and_first(Dispute.objects.needing_response(), "evidence_due_at")
    yield Figure(
        "Disputes that need a response",
        count,
        list_address(Dispute, response="needed"),
        detail=f"the first until {due:%Y-%m-%d %H:%M} UTC" if due is not None else "",
        calls_for_action=any_,
        is_critical=due is not None and due - now() < URGENT,
    )


def stripe_events_in_trouble() -> Iterator[Figure]:
    count, any_ = _count(StripeEvent.objects.in_trouble())
    yield Figure("Stripe events in trouble", count, list_address(StripeEvent, trouble="yes"), calls_for_action=any_)


def quarantined_stripe_events() -> Iterator[Figure]:
    since = now() - SHOWN_FOR
    kept_apart = StripeEvent.objects.filter(status=StripeEventStatus.QUARANTINED, received_at__gte=since)
    count, any_ = _count(kept_apart)
    address = list_address(StripeEvent, status=StripeEventStatus.QUARANTINED.value, received_at__gte=in_an_address(since))
    yield Figure("Stripe events quarantined in the last 7 days", count, address, calls_for_action=any_)


def overdue_stripe_events() -> Iterator[Figure]:
    """Nothing is said where there are none, as long as a worker runs."""
    count, any_ = _count(overdue_among_stripe_events(StripeEvent.objects.all()))
    address = list_address(StripeEvent, overdue="yes")
    if any_:
        yield Figure("Overdue Stripe events", count, address, detail=NO_WORKER, calls_for_action=True, is_critical=True)


def overdue_deliveries() -> Iterator[Figure]:
    """An endpoint at which nothing arrives is sent one at a time: its own wait though workers run."""
    late = overdue_among_deliveries(Delivery.objects.all())
    count, any_ = _count(late)
    if any_:
        is_ours = late.filter(endpoint__failing_since=None).exists()
        detail = NO_WORKER if is_ours else "all to endpoints that fail"
        address = list_address(Delivery, overdue="yes")
        yield Figure("Overdue deliveries", count, address, detail=detail, calls_for_action=True, is_critical=is_ours)


def endpoints_in_trouble() -> Iterator[Figure]:
    """Those that are still tried and at which nothing arrives; and those that were switched off for it."""
    enabled, failing = WebhookEndpoint.Status.ENABLED, WebhookEndpoint.DisabledReason.FAILING
    counts = WebhookEndpoint.objects.counts_in_trouble()
    tried = list_address(WebhookEndpoint, status__exact=enabled.value, failing_since__isempty=0, deleted_at__isempty=1)
    off = list_address(WebhookEndpoint, disabled_reason__exact=failing.value, deleted_at__isempty=1)
    for title, count, address in (
        ("Endpoints at which nothing arrives", counts["failing"], tried),
        ("Endpoints switched off for failing", counts["off"], off),
    ):
        yield Figure(title, f"{count:,}", address, calls_for_action=count > 0)


def open_operations() -> Iterator[Figure]:
    count, any_ = _count(Operation.objects.open())
    yield Figure("Operations without a known outcome", count, list_address(Operation, open="yes"), calls_for_action=any_)


def failed_refunds() -> Iterator[Figure]:
    """Money that a bank sent back: the buyer has to be paid in another way."""
    since = now() - SHOWN_FOR
    count, any_ = _count(Refund.objects.filter(status=RefundStatus.FAILED, updated_at__gte=since))
    address = list_address(Refund, status__exact=RefundStatus.FAILED.value, updated_at__gte=in_an_address(since))
    yield Figure("Refunds that failed in the last 7 days", count, address, calls_for_action=any_)


def open_cases() -> Iterator[Figure]:
    """Where our records and Stripe's books differ, and nobody has decided."""
    count, any_ = _count(Case.objects.open())
    yield Figure("Differences from Stripe's books", count, list_address(Case, status__exact=Case.Status.OPEN.value), "", any_)


def last_reconciliation() -> Iterator[Figure]:
    """When all books were last compared to the end. It calls for action where that failed, left something out, or is late."""
    run = Run.objects.ended().of_everything().first()
    if run is None:
        yield Figure("Last reconciliation", "never", list_address(Run))
        return
    failed = run.status == Run.Status.FAILED
    late = is_late(run)
    found = f"{run.total_differences:,} differences in {run.total_compared:,} objects"
    left_out = f"{len(run.not_compared)} could not be compared; " if run.not_compared else ""
    detail = "it could not be finished" if failed else f"{'late; ' if late else ''}{left_out}{found}"
    calls = failed or late or bool(left_out)
    yield Figure("Last reconciliation", f"{run.started_at:%Y-%m-%d %H:%M} UTC", address_of(run), detail, calls)


def sellers_who_cannot_be_paid() -> Iterator[Figure]:
    """One who had been onboarded calls for action; those who are still on their way there do not."""
    found = cannot_be_paid(ConnectedAccount.objects.all())
    count, _ = _count(found)
    calls = found.filter(details_submitted=True).exists()
    yield Figure("Sellers who cannot be paid", count, list_address(ConnectedAccount, payable="no"), calls_for_action=calls)


def in_an_address(moment: datetime) -> str:
    """As a filter in an address takes it, to the microsecond: the list then shows what was counted."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f+00:00}"


def _count_and_first(rows: QuerySet[Any], moment: str) -> tuple[str, bool, datetime | None]:
    """The same, and the first `moment` among them."""
    found = rows.order_by(moment)[: MOST_COUNTED + 1].aggregate(count=Count("pk"), first=Min(moment))
    return count_in_words(found["count"]), found["count"] > 0, found["first"]


def _count(rows: QuerySet[Any]) -> tuple[str, bool]:
    """How many there are in words, and whether there are any."""
    count = counted(rows)
    return count_in_words(count), count > 0


# In the order of urgency.
FIGURES: tuple[tuple[type[Model], Callable[[], Iterator[Figure]]], ...] = (
    (Operation, operations_in_review),
    (StripeEvent, overdue_stripe_events),
    (Delivery, overdue_deliveries),
    (Transaction, holds_about_to_lapse),
    (Dispute, disputes_to_answer),
    (RefundApproval, refunds_to_approve),
    (StripeEvent, stripe_events_in_trouble),
    (StripeEvent, quarantined_stripe_events),
    (WebhookEndpoint, endpoints_in_trouble),
    (Operation, open_operations),
    (Case, open_cases),
    (Run, last_reconciliation),
    (Refund, failed_refunds),
    (ConnectedAccount, sellers_who_cannot_be_paid),
)
