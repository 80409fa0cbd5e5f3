"""Reads what is known of one payment, each kind of record by one query and never more than a bounded number of rows."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from auditlog.models import LogEntry
from django.db.models import Model, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import NullIf

from disputes.models import Dispute
from explanations.structure import LeftOut, Reader
from gateway.models import Operation, RecoveryAttempt, subject_type
from reconciliation.models import Case
from refunds.models import Refund, RefundApproval
from staff.audit import entries_about
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.events import with_attempts
from webhooks.models import Delivery, Event

# Rows of each kind that are read, the newest: a payment has about ten of most, and a page of fifty is still read by a person.
MOST_ROWS = 50
# A payment has a delivery for each of its events and each endpoint of its app.
MOST_DELIVERIES = 100
# How SQLite writes out a null that stands in JSON; PostgreSQL has a NULL for it.
JSON_NULL = Value("null", output_field=TextField())
# So far the rows that were left out are counted: a count that knows no end would read as long as the rows themselves.
COUNTED_UP_TO = 1_000


@dataclass(frozen=True, slots=True)
class Sources:
    """The rows about one payment, for one reader; all but `refunds`, `disputes` and `operations` in the order of their times."""

    payment: Transaction
    reader: Reader
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]
    operations: Sequence[Operation]
    recovery_attempts: Sequence[RecoveryAttempt]
    stripe_events: Sequence[StripeEvent]
    events: Sequence[Event]
    deliveries: Sequence[Delivery]
    staff_actions: Sequence[LogEntry]
    approvals: Sequence[RefundApproval]
    cases: Sequence[Case]
    left_out: tuple[LeftOut, ...]


class _Bounded:
    """Reads the newest rows of each kind, and notes how many it left out."""

    def __init__(self) -> None:
        self.left_out: list[LeftOut] = []

    def newest(self, rows: QuerySet[Any], what: str, most: int | None = None) -> list[Any]:
        """At most `most` of the rows, or MOST_ROWS, which come the newest first, from the oldest of them on."""
        most = MOST_ROWS if most is None else most
        found = list(rows[: most + 1])
        if len(found) > most:
            counted = rows.order_by()[:COUNTED_UP_TO].count()
            self.left_out.append(LeftOut(what, counted - most, is_at_least=counted == COUNTED_UP_TO))
        return found[:most][::-1]


def read_sources(payment: Transaction, reader: Reader) -> Sources:
    """What is known here about the payment. Stripe is asked nothing. Refunds that wait and cases are the staff's own."""
    bounded = _Bounded()
    refunds = bounded.newest(Refund.objects.of(payment), "refunds")
    disputes = bounded.newest(Dispute.objects.filter(transaction=payment).order_by("-opened_at", "-id"), "disputes")
    operations = bounded.newest(_operations(payment, refunds), "operations")
    ids = _ids_at_stripe(payment, refunds, disputes)
    events = bounded.newest(_events(payment, refunds, disputes, reader=reader), "events to the app")
    return Sources(
        payment=payment,
        reader=reader,
        refunds=refunds,
        disputes=disputes,
        operations=operations,
        recovery_attempts=bounded.newest(_recovery_attempts(operations), "attempts of recovery"),
        stripe_events=bounded.newest(_stripe_events(ids), "events of Stripe"),
        events=events,
        deliveries=bounded.newest(_deliveries(events), "deliveries", MOST_DELIVERIES),
        staff_actions=bounded.newest(entries_about(payment, *refunds, *disputes, *operations), "actions of the staff"),
        approvals=bounded.newest(_approvals(payment), "refunds for a second person") if reader.is_staff else [],
        cases=bounded.newest(_cases(payment, ids), "cases") if reader.is_staff else [],
        left_out=tuple(bounded.left_out),
    )


def _about(*records: Model) -> Q:
    """The rows whose subject is one of the records."""
    keys: dict[str, list[int]] = defaultdict(list)
    for record in records:
        keys[subject_type(record)].append(record.pk)
    about = Q()
    for name, of_type in keys.items():
        about |= Q(subject_type=name, subject_id__in=of_type)
    return about


def _operations(payment: Transaction, refunds: Sequence[Refund]) -> QuerySet[Operation]:
    about = Operation.objects.filter(_about(payment, *refunds))
    # An answer is long, and may hold secrets: it is not even read.
    found: QuerySet[Operation] = about.select_related("app", "caller_key").defer("caller_key__answer")
    return found


def _recovery_attempts(operations: Sequence[Operation]) -> QuerySet[RecoveryAttempt]:
    return RecoveryAttempt.objects.filter(operation__in=operations).order_by("-id")


def _events(payment: Transaction, *of_it: Sequence[Model], reader: Reader) -> QuerySet[Event]:
    about = Event.objects.filter(_about(payment, *(record for records in of_it for record in records)))
    found: QuerySet[Event] = about.select_related("app").defer("body")
    return found if reader.app is None else found.filter(app=reader.app)


def _deliveries(events: Sequence[Event]) -> QuerySet[Delivery]:
    found: QuerySet[Delivery] = with_attempts(Delivery.objects.filter(event__in=events)).select_related("endpoint")
    return found


def _stripe_events(ids: Collection[str]) -> QuerySet[StripeEvent]:
    about = StripeEvent.objects.filter(object_id__in=ids)
    reason = NullIf(KT("payload__data__object__cancellation_reason"), JSON_NULL)
    found: QuerySet[StripeEvent] = about.annotate(cancellation_reason=reason).defer("payload")
    return found


def _ids_at_stripe(payment: Transaction, refunds: Sequence[Refund], disputes: Sequence[Dispute]) -> set[str]:
    """Those of the payment intent, and of its charges, refunds and disputes.

    Each attempt to pay makes a charge of its own, and the payment knows the last one: the others are named by the events of
    the payment intent.
    """
    intent_id = payment.stripe_payment_intent_id
    ids = {intent_id, payment.stripe_charge_id, *_charges(intent_id)}
    ids |= {refund.stripe_refund_id for refund in refunds} | {dispute.stripe_dispute_id for dispute in disputes}
    return ids - {""}


def _charges(intent_id: str) -> set[str]:
    if not intent_id:
        return set()
    charge = NullIf(KT("payload__data__object__latest_charge"), JSON_NULL)
    told = StripeEvent.objects.filter(object_id=intent_id).annotate(charge=charge)
    return {charge for charge in told.values_list("charge", flat=True)[:MOST_ROWS] if charge}


def _approvals(payment: Transaction) -> QuerySet[RefundApproval]:
    found: QuerySet[RefundApproval] = RefundApproval.objects.of(payment).select_related("requested_by", "decided_by")
    return found


def _cases(payment: Transaction, ids: Collection[str]) -> QuerySet[Case]:
    found: QuerySet[Case] = Case.objects.filter(Q(transaction=payment) | Q(object_id__in=ids))
    return found
