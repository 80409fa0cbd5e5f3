"""The first page: what waits for an operator, and what happened last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Min, Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.models import ConnectedAccount
from accounts.models import Status as AccountStatus
from commercecore_payments.admin.display import list_address, shortened
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.admin_site import may_see
from commercecore_payments.clock import now
from disputes.admin import URGENT
from disputes.models import Dispute
from gateway.models import Operation
from gateway.models import Status as OperationStatus
from refunds.models import Refund
from refunds.models import Status as RefundStatus
from stripe_events.admin import overdue as overdue_among_stripe_events
from stripe_events.models import Status as StripeEventStatus
from stripe_events.models import StripeEvent
from transactions.admin import payments_table
from transactions.models import Status as TransactionStatus
from transactions.models import Transaction
from webhooks.admin import overdue as overdue_among_deliveries
from webhooks.models import Delivery, WebhookEndpoint

# Counting stops here: whether ten thousand or a million wait is the same to whoever looks, and not to the database.
MOST_COUNTED = 10_000
RECENT = timedelta(hours=24)
# A wrong secret or a wrong mode of an endpoint at Stripe shows in the first minutes; a week leaves nobody's holidays out.
QUARANTINE_SHOWN_FOR = timedelta(days=7)
NO_WORKER = "no worker runs, or too few do"
# Rows of each table on the first page: what fits below the figures without much scrolling.
LATEST = 8
# Letters of what somebody did: as many as stand in one line beside the other columns.
MESSAGE_LENGTH = 50


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts, and the list where those records are."""

    title: str
    count: str
    address: str
    detail: str = ""
    calls_for_action: bool = False
    is_critical: bool = False


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """django-unfold's hook for the first page. Shows nothing that the user may not open."""
    permitted = [make for model, make in FIGURES if may_see(model._meta.app_label, str(model._meta.model_name))(request)]
    figures = [figure for make in permitted if (figure := make()) is not None]
    payments = latest_payments() if may_see("transactions", "transaction")(request) else []
    return {**context, "figures": figures, "related_tables": [*payments, *latest_actions(request.user)]}


def operations_in_review() -> Figure:
    count = counted(Operation.objects.needing_review())
    address = list_address(Operation, status=OperationStatus.NEEDS_REVIEW.value)
    return Figure("Needs review", count, address, calls_for_action=count != "0", is_critical=count != "0")


def disputes_to_answer() -> Figure:
    """With the nearest date until which evidence is taken."""
    waiting = Dispute.objects.needing_response()
    count = counted(waiting)
    due = waiting.aggregate(nearest=Min("evidence_due_at"))["nearest"]
    return Figure(
        "Disputes that need a response",
        count,
        list_address(Dispute, response="needed"),
        detail=f"the first until {due:%Y-%m-%d %H:%M} UTC" if due is not None else "",
        calls_for_action=count != "0",
        is_critical=due is not None and due - now() < URGENT,
    )


def stripe_events_in_trouble() -> Figure:
    count = counted(StripeEvent.objects.in_trouble())
    return Figure("Stripe events in trouble", count, list_address(StripeEvent, trouble="yes"), calls_for_action=count != "0")


def quarantined_stripe_events() -> Figure:
    since = now() - QUARANTINE_SHOWN_FOR
    kept_apart = StripeEvent.objects.filter(status=StripeEventStatus.QUARANTINED, received_at__gte=since)
    count = counted(kept_apart)
    address = list_address(StripeEvent, status=StripeEventStatus.QUARANTINED.value, received_at__gte=_in_an_address(since))
    return Figure("Stripe events quarantined in the last 7 days", count, address, calls_for_action=count != "0")


def overdue_stripe_events() -> Figure | None:
    """None where there are none, as long as a worker runs."""
    count = counted(overdue_among_stripe_events(StripeEvent.objects.all()))
    if count == "0":
        return None
    address = list_address(StripeEvent, overdue="yes")
    return Figure("Overdue Stripe events", count, address, detail=NO_WORKER, calls_for_action=True, is_critical=True)


def overdue_deliveries() -> Figure | None:
    """None where there are none. An endpoint at which nothing arrives is sent one at a time: its own wait though workers run."""
    late = overdue_among_deliveries(Delivery.objects.all())
    count = counted(late)
    if count == "0":
        return None
    is_ours = late.filter(endpoint__failing_since=None).exists()
    detail = NO_WORKER if is_ours else "all to endpoints that fail"
    address = list_address(Delivery, overdue="yes")
    return Figure("Overdue deliveries", count, address, detail=detail, calls_for_action=True, is_critical=is_ours)


def failing_endpoints() -> Figure:
    reason = WebhookEndpoint.DisabledReason.FAILING
    count = counted(WebhookEndpoint.objects.filter(disabled_reason=reason, deleted_at=None))
    address = list_address(WebhookEndpoint, disabled_reason__exact=reason.value, deleted_at__isempty=1)
    return Figure("Endpoints switched off for failing", count, address, calls_for_action=count != "0")


def open_operations() -> Figure:
    count = counted(Operation.objects.open())
    address = list_address(Operation, open="yes")
    return Figure("Operations without a known outcome", count, address, calls_for_action=count != "0")


def failed_refunds() -> Figure:
    failed = Refund.objects.filter(status=RefundStatus.FAILED)
    return Figure("Failed refunds", counted(failed), list_address(Refund, status=RefundStatus.FAILED.value))


def unfinished_accounts() -> Figure:
    unfinished = ConnectedAccount.objects.filter(status=AccountStatus.ACTIVE, charges_enabled=False)
    address = list_address(ConnectedAccount, status=AccountStatus.ACTIVE.value, charges_enabled__exact=0)
    return Figure("Sellers who cannot be paid yet", counted(unfinished), address)


def recent_payments() -> Figure:
    since = now() - RECENT
    succeeded = Transaction.objects.filter(status=TransactionStatus.SUCCEEDED, created_at__gte=since)
    address = list_address(Transaction, status=TransactionStatus.SUCCEEDED.value, created_at__gte=_in_an_address(since))
    return Figure("Successful payments begun in the last 24 hours", counted(succeeded), address)


def _in_an_address(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S+00:00}"


# In the order of urgency.
FIGURES: tuple[tuple[type[Model], Callable[[], Figure | None]], ...] = (
    (Operation, operations_in_review),
    (StripeEvent, overdue_stripe_events),
    (Delivery, overdue_deliveries),
    (Dispute, disputes_to_answer),
    (StripeEvent, stripe_events_in_trouble),
    (StripeEvent, quarantined_stripe_events),
    (WebhookEndpoint, failing_endpoints),
    (Operation, open_operations),
    (Refund, failed_refunds),
    (ConnectedAccount, unfinished_accounts),
    (Transaction, recent_payments),
)


def counted(rows: QuerySet[Any]) -> str:
    """How many rows there are; from MOST_COUNTED on, that there are more."""
    count = rows.order_by()[: MOST_COUNTED + 1].count()
    return f"more than {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"


def latest_payments() -> list[RelatedTable]:
    return [payments_table(Transaction.objects.all(), title="Latest transactions", rows=LATEST)]


def latest_actions(user: Any) -> list[RelatedTable]:
    """What was done in the admin: by everybody for a superuser, else by the user alone. No table where it is nothing."""
    entries = LogEntry.objects.select_related("user", "content_type").order_by("-action_time")
    if not user.is_superuser:
        entries = entries.filter(user_id=user.pk)
    rows = [_action_row(entry) for entry in entries[:LATEST]]
    return [RelatedTable("Latest actions of the staff", ("Time", "User", "Record", "Action"), rows)] if rows else []


def _action_row(entry: LogEntry) -> tuple[Any, ...]:
    address = entry.get_admin_url()
    record = format_html('<a class="text-link" href="{}">{}</a>', address, entry.object_repr) if address else entry.object_repr
    return (entry.action_time, entry.user.get_username(), record, shortened(entry.get_change_message(), MESSAGE_LENGTH))
