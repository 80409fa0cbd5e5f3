"""The visits of somebody of the staff that the benchmark of the admin's pages measures."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import ConnectedAccount
from commercecore_payments.admin.display import list_address
from commercecore_payments.clock import now
from disputes.models import Dispute
from gateway.models import Operation
from payouts.models import Payout
from refunds.models import Refund
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.models import Delivery, Event


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a page, and how long the database took for it, in milliseconds."""

    text: str
    ms: float


@dataclass
class Seen:
    """One visit: how long the answer took, and what the database was asked."""

    ms: float = 0.0
    statements: list[Statement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Visit:
    """A page, and the browser that asks for it."""

    name: str
    address: str
    client: Client

    def ask(self) -> Seen:
        """Asks for the page once. Raises RuntimeError where it is not shown."""
        seen = Seen()

        def listen(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
            begun = time.perf_counter()
            try:
                return execute(sql, parameters, many, context)
            finally:
                seen.statements.append(Statement(sql, (time.perf_counter() - begun) * 1000))

        begun = time.perf_counter()
        with connection.execute_wrapper(listen):
            answer = self.client.get(self.address)
            answer.content  # noqa: B018 - rendered by now
        seen.ms = (time.perf_counter() - begun) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{self.name} was answered with {answer.status_code}: {self.address}")
        return seen


def _staff() -> Client:
    user, _ = User.objects.get_or_create(username="benchmark", defaults={"is_staff": True, "is_superuser": True})
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def before_anything_is_counted() -> list[Visit]:
    """The worst that the front page can meet: no worker has counted any day."""
    return [Visit("front page, nothing counted ahead", reverse("admin:index"), _staff())]


def visits() -> Iterator[Visit]:
    """Every page that is measured, in the order in which the figures are printed."""
    client = _staff()
    for name, address in [("front page", reverse("admin:index")), *_lists(), *_filtered(), *_searches(), *_records()]:
        yield Visit(name, address, client)


LISTS: tuple[type[Any], ...] = (
    Transaction, Refund, Operation, StripeEvent, Event, Delivery, ConnectedAccount, Dispute, Payout,
)  # fmt: skip
# A page that is as deep as the list goes.
DEEPEST = {"p": 100}


def _lists() -> Iterator[tuple[str, str]]:
    for model in LISTS:
        yield f"list of {model._meta.verbose_name_plural}", list_address(model)
        if model in LISTS[:6]:
            yield f"list of {model._meta.verbose_name_plural}, deepest page", list_address(model, **DEEPEST)


def _filtered() -> Iterator[tuple[str, str]]:
    """Each filter with what is frequent, with what is rare, and with what does not occur at all."""
    account = ConnectedAccount.objects.earliest("pk").pk
    today = {"created_at_from": now().date().isoformat()}
    filters: tuple[tuple[type[Any], dict[str, Any]], ...] = (
        (Transaction, {"status__exact": "succeeded"}),
        (Transaction, {"status__exact": "processing"}),
        (Transaction, {"status__exact": "creation_failed", "currency": "jpy"}),
        (Transaction, {"currency": "jpy"}),
        (Transaction, {"currency": "chf"}),
        (Transaction, {"capture_method__exact": "manual"}),
        (Transaction, {"developer__id__exact": "de_benchmark"}),
        (Transaction, {"account__id__exact": account}),
        (Transaction, {"outcome": "paid"}),
        (Transaction, {"outcome": "declined"}),
        (Transaction, {"outcome": "held"}),
        (Transaction, {"outcome": "open"}),
        (Transaction, {"outcome": "declined", "error_code": "card_declined", "decline_code": "expired_card"}),
        (Transaction, today),
        (Transaction, {"currency": "usd", "outcome": "paid", **today}),
        (Refund, {"status__exact": "pending"}),
        (Refund, {"status__exact": "failed"}),
        (Refund, {"currency": "chf"}),
        (Refund, {"reason__exact": "fraudulent"}),
        (Refund, {"money": "taken"}),
        (Operation, {"open": "yes"}),
        (Operation, {"open": "no"}),
        (Operation, {"status__exact": "rejected"}),
        (Operation, {"kind__exact": "refund.create"}),
        (Operation, {"developer__id__exact": "de_benchmark"}),
        (StripeEvent, {"trouble": "yes"}),
        (StripeEvent, {"overdue": "yes"}),
        (StripeEvent, {"status__exact": "quarantined"}),
        (StripeEvent, {"source__exact": "list"}),
        (StripeEvent, {"happened_at_from": now().date().isoformat()}),
        (Event, {"type__exact": "dispute.closed"}),
        (Event, {"app__id__exact": "ap_benchmark"}),
        (Delivery, {"status__exact": "failed"}),
        (Delivery, {"overdue": "yes"}),
        (Delivery, {"endpoint__id__exact": "we_bench3"}),
    )
    for model, wanted in filters:
        words = ", ".join(f"{name.partition('__')[0]} {value}" for name, value in wanted.items())
        yield f"{model._meta.verbose_name_plural}: {words}", list_address(model, **wanted)


def _searches() -> Iterator[tuple[str, str]]:
    payment = Transaction.objects.filter(status="succeeded", amount_refunded_minor__gt=0).latest("pk")
    refund, operation = Refund.objects.latest("pk"), Operation.objects.filter(subject_id=payment.pk).latest("created_at")
    event, delivery = StripeEvent.objects.latest("pk"), Delivery.objects.latest("created_at")
    terms: tuple[tuple[type[Any], str, str], ...] = (
        (Transaction, "its id", payment.stripe_payment_intent_id),
        (Transaction, "its charge", payment.stripe_charge_id),
        (Transaction, "an order", payment.order_id),
        (Transaction, "a user", payment.user_id),
        (Transaction, "a seller's email", "seller7@example.com"),
        (Transaction, "a part of many emails", "example.com"),
        (Transaction, "the beginning of every id", "pi_"),
        (Transaction, "nothing that there is", "nowhere"),
        (Transaction, "a seller's email and an order", f"seller7@example.com {payment.order_id[:8]}"),
        (Refund, "its id", refund.stripe_refund_id),
        (Refund, "its payment", payment.stripe_payment_intent_id),
        (Refund, "a seller's email", "seller7@example.com"),
        (Refund, "nothing that there is", "nowhere"),
        (Operation, "its id", operation.id),
        (Operation, "Stripe's request", operation.stripe_request_id),
        (Operation, "an order", payment.order_id),
        (Operation, "nothing that there is", "nowhere"),
        (StripeEvent, "its object", event.object_id),
        (StripeEvent, "nothing that there is", "nowhere"),
        (Event, "its payment", payment.stripe_payment_intent_id),
        (Event, "an app's name", "Benchmark"),
        (Delivery, "its event", delivery.event_id),
        (Delivery, "a part of an address", "shop3.example"),
        (ConnectedAccount, "a part of an email", "seller7"),
    )
    for model, what, term in terms:
        yield f"{model._meta.verbose_name_plural}, search: {what}", list_address(model, q=term)


def _records() -> Iterator[tuple[str, str]]:
    payment = Transaction.objects.filter(status="succeeded", amount_refunded_minor__gt=0).latest("pk")
    records = (
        payment,
        Transaction.objects.exclude(error_code="").latest("pk"),
        Refund.objects.latest("pk"),
        Operation.objects.latest("created_at"),
        StripeEvent.objects.defer("payload").latest("pk"),
        Event.objects.latest("created_at"),
        Delivery.objects.latest("created_at"),
        ConnectedAccount.objects.latest("pk"),
        Dispute.objects.latest("pk"),
    )
    for record in records:
        address = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
        note = f" ({record.status})" if isinstance(record, Transaction) else ""
        yield f"page of a {record._meta.verbose_name}{note}", address
