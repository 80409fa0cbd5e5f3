"""Operation: every write to Stripe, recorded before it is sent."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import stripe
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.identifiers import new_identifier


class Kind(models.TextChoices):
    """What is asked of Stripe. gateway/calls.py holds the call of each."""

    ACCOUNT_CREATE = "account.create"
    ACCOUNT_DELETE = "account.delete"
    CUSTOMER_CREATE = "customer.create"
    SETUP_INTENT_CREATE = "setup_intent.create"
    PAYMENT_METHOD_CLONE = "payment_method.clone"
    PAYMENT_INTENT_CREATE = "payment_intent.create"
    PAYMENT_INTENT_UPDATE = "payment_intent.update"
    PAYMENT_INTENT_CONFIRM = "payment_intent.confirm"
    REFUND_CREATE = "refund.create"


class Status(models.TextChoices):
    """Open until Stripe's final word is known; unknown is never written down as failed."""

    SENDING = "sending"  # on its way; a process that died leaves it here
    UNKNOWN = "unknown"  # sent, and no answer that proves what came of it
    SUCCEEDED = "succeeded"
    DECLINED = "declined"  # final: the buyer's card
    REJECTED = "rejected"  # final: a bad request, at its first sending
    NOT_SENT = "not_sent"  # final: the connection was refused before a byte left


OPEN_STATUSES = (Status.SENDING, Status.UNKNOWN)

# Stripe keeps an idempotency key for 24 hours and more (docs.stripe.com/api/idempotent_requests); an hour is left for
# clocks that differ and for the call itself. Afterwards the key would execute anew.
RESEND_WINDOW = timedelta(hours=23)
# A buyer who has left the page must not be charged late.
CONFIRM_RESEND_WINDOW = timedelta(minutes=2)
# Seconds to connect to Stripe. Longer than a lost packet's first repeats, which come after 1 and 3 seconds (RFC 6298).
CONNECT_TIMEOUT_S = 5.0
# Past both of its timeouts hardly anybody still waits for an answer; 5 s are left for the process to settle it. An
# answer that drips in may outlast it: `gateway.operations.record` then tells the attempts apart.
CALL_BUDGET = timedelta(seconds=CONNECT_TIMEOUT_S + settings.STRIPE_TIMEOUT_S + 5)


def new_operation_id() -> str:
    return new_identifier("op")


class OperationQuerySet(models.QuerySet["Operation"]):
    def open(self) -> Self:
        return self.filter(status__in=OPEN_STATUSES)

    def of(self, subject: models.Model) -> Self:
        """The operations about one record, such as a Transaction."""
        return self.filter(subject_type=subject_type(subject), subject_id=subject.pk)


def subject_type(subject: models.Model | type[models.Model]) -> str:
    return str(subject._meta.model_name)


class Operation(models.Model):
    """One write to Stripe: what was asked, byte for byte, how often it was sent, and what came of it."""

    id = models.CharField(primary_key=True, max_length=40, default=new_operation_id, editable=False)
    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    kind = models.CharField(max_length=32, choices=Kind)
    status = models.CharField(max_length=16, choices=Status, default=Status.SENDING)

    subject_type = models.CharField(max_length=32)
    subject_id = models.BigIntegerField()

    stripe_account = models.CharField(max_length=255, blank=True)
    target_id = models.CharField(max_length=255, blank=True, help_text="The object in the address of the call.")
    parameters_json = models.TextField(help_text="The exact parameters: a repeat sends these and builds none.")
    api_version = models.CharField(max_length=40, default=stripe.api_version)

    developer = models.ForeignKey("developers.Developer", models.PROTECT, related_name="operations")
    app = models.ForeignKey("developers.App", models.PROTECT, related_name="operations", null=True, blank=True)
    user_id = models.CharField(max_length=255, blank=True)
    request_id = models.CharField(max_length=40, blank=True)

    created_at = models.DateTimeField(default=now)
    attempts = models.PositiveIntegerField(default=1)
    last_sent_at = models.DateTimeField(default=now)
    closed_at = models.DateTimeField(null=True, blank=True)

    result_id = models.CharField(max_length=255, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    stripe_request_id = models.CharField(max_length=255, blank=True)
    error_type = models.CharField(max_length=255, blank=True)
    error_code = models.CharField(max_length=255, blank=True)
    decline_code = models.CharField(max_length=255, blank=True)
    error_message = models.TextField(blank=True)

    objects = EnvironmentManager.from_queryset(OperationQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id"],
                condition=Q(status__in=OPEN_STATUSES),
                name="one_open_operation_a_subject",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OPEN_STATUSES, closed_at__isnull=True)
                | (~Q(status__in=OPEN_STATUSES) & Q(closed_at__isnull=False)),
                name="operation_is_closed_when_final",
            ),
        ]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="operation_subject"),
            models.Index(fields=["environment", "-created_at", "-id"], name="operation_newest"),
            models.Index(fields=["last_sent_at"], condition=Q(status__in=OPEN_STATUSES), name="operation_open"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(json.loads(self.parameters_json))

    @property
    def idempotency_key(self) -> str:
        """Stripe's idempotency key: always the same for this operation, and no other's."""
        return self.id

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def was_sent_before(self) -> bool:
        return self.attempts > 1

    def may_be_sent_again(self) -> bool:
        """Whether the same bytes under the same key are still safe.

        After a 500 they are not: Stripe keeps that answer under its key and would only replay it. Within its window
        everything else either executes for the first time or replays what the first sending did. A deletion has no
        key, and can be asked for any number of times.
        """
        if self.kind == Kind.ACCOUNT_DELETE:
            return self.is_open
        window = CONFIRM_RESEND_WINDOW if self.kind == Kind.PAYMENT_INTENT_CONFIRM else RESEND_WINDOW
        return self.is_open and self.http_status != 500 and now() - self.created_at < window

    def may_still_be_under_way(self) -> bool:
        """Whether the process that sent it may still be waiting for Stripe's answer."""
        return self.status == Status.SENDING and now() - self.last_sent_at <= CALL_BUDGET

    def may_still_take_effect(self) -> bool:
        """Whether Stripe may still be at work on it: it gave no answer, and its last sending is not long ago."""
        return self.http_status is None and now() - self.last_sent_at <= CALL_BUDGET

    def claim_for_resending(self) -> bool:
        """Takes this open operation for one more sending; False where another process holds it or settled it.

        One guarded UPDATE decides, so of any number of callers one sends.
        """
        quiet_since = now() - CALL_BUDGET
        idle = Q(status=Status.UNKNOWN) | Q(status=Status.SENDING, last_sent_at__lt=quiet_since)
        claimed = Operation.objects.filter(idle, pk=self.pk).update(
            status=Status.SENDING, attempts=F("attempts") + 1, last_sent_at=now()
        )
        self.refresh_from_db()
        return claimed == 1

    def close(self, status: Status, *, at: datetime) -> None:
        """Writes down the final word, with what `record_answer` noted before."""
        self.status = status
        self.closed_at = at
        self.save()


def exact_json(parameters: Mapping[str, Any]) -> str:
    """`parameters` as the text that is stored and sent from, in their own order."""
    return json.dumps(parameters, ensure_ascii=False, separators=(",", ":"))
