"""What the API's consumers are told: events, the endpoints that they are sent to, and each delivery with its attempts."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Count, Q

from commercecore_payments.clock import now
from commercecore_payments.encryption import MAX_KEY_ID_LENGTH
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.identifiers import new_identifier
from developers.models import App

# The longest web address that browsers and proxies agree on, and the bound of every other address that callers name.
MAX_URL_LENGTH = 2048
MAX_DESCRIPTION_LENGTH = 255
# Of an error's text and of a receiver's answer, as much as shows what went wrong.
MAX_ERROR_LENGTH = 500
MAX_ANSWER_LENGTH = 1024

ALL_EVENTS = "*"


class EventType(models.TextChoices):
    """What consumers can be told of: docs/webhooks.md says what each event holds."""

    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_REQUIRES_ACTION = "payment.requires_action"
    PAYMENT_CAPTURABLE = "payment.capturable"
    PAYMENT_CAPTURE_EXPIRING = "payment.capture_expiring"
    PAYMENT_CANCELED = "payment.canceled"
    REFUND_PROCESSED = "refund.processed"
    REFUND_FAILED = "refund.failed"
    ACCOUNT_UPDATED = "account.updated"
    ACCOUNT_DELETED = "account.deleted"
    DISPUTE_CREATED = "dispute.created"
    DISPUTE_CLOSED = "dispute.closed"


def new_event_id() -> str:
    return new_identifier("msg")


def new_endpoint_id() -> str:
    return new_identifier("we")


def new_delivery_id() -> str:
    return new_identifier("dl")


class EventCounter(models.Model):
    """The sequence number of an app's newest event: its lock, held until the commit, is what leaves no gap."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    app = models.ForeignKey(App, models.PROTECT, related_name="event_counters")
    last_sequence = models.BigIntegerField(default=0)

    objects = EnvironmentManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["environment", "app"], name="one_event_counter_an_app")]


class Event(models.Model):
    """One thing that happened, as one app is told of it. Append-only: `body` is what is signed and sent, to the letter."""

    id = models.CharField(primary_key=True, max_length=40, default=new_event_id, editable=False)
    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    app = models.ForeignKey(App, models.PROTECT, related_name="events")
    sequence = models.BigIntegerField(help_text="Counted for each app, without a gap.")
    type = models.CharField(max_length=64, choices=EventType)
    # What it is about, to find the events of a record: the model's name, and its primary key.
    subject_type = models.CharField(max_length=32)
    subject_id = models.BigIntegerField()
    body = models.TextField(help_text="What is sent: JSON with type, timestamp and data.")
    created_at = models.DateTimeField(default=now)

    objects = EnvironmentManager()

    class Meta:
        ordering = ("-created_at", "-sequence")
        constraints = [models.UniqueConstraint(fields=["environment", "app", "sequence"], name="one_event_a_sequence_number")]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="event_subject"),
            models.Index(fields=["environment", "created_at"], name="event_oldest"),
            models.Index(fields=["environment", "-created_at", "-sequence"], name="event_newest"),
            models.Index(fields=["environment", "type", "-created_at", "-sequence"], name="event_type_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.sequence}"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def of(self, app: App) -> Self:
        return self.filter(app=app, deleted_at=None)

    def enabled(self) -> Self:
        """Those that events are sent to: an app that is disabled, or whose developer is, is sent none."""
        in_use = self.filter(app__disabled_at=None, app__developer__disabled_at=None)
        return in_use.filter(status=WebhookEndpoint.Status.ENABLED, deleted_at=None)

    def counts_in_trouble(self) -> dict[str, int]:
        """`failing`: those that are still tried, and at which nothing arrives; `off`: those that were switched off for it."""
        tried = Q(status=WebhookEndpoint.Status.ENABLED, failing_since__isnull=False)
        off = Q(disabled_reason=WebhookEndpoint.DisabledReason.FAILING)
        return self.filter(deleted_at=None).aggregate(failing=Count("pk", filter=tried), off=Count("pk", filter=off))


class WebhookEndpoint(models.Model):
    """Where an app's events are sent, which of them, and how it has gone. A deleted one stays as history."""

    class Status(models.TextChoices):
        ENABLED = "enabled"
        DISABLED = "disabled"

    class DisabledReason(models.TextChoices):
        BY_DEVELOPER = "by_developer"
        BY_OPERATOR = "by_operator"
        GONE = "gone"  # it answered 410
        FAILING = "failing"  # nothing has arrived for five days

    id = models.CharField(primary_key=True, max_length=40, default=new_endpoint_id, editable=False)
    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    app = models.ForeignKey(App, models.PROTECT, related_name="webhook_endpoints")
    url = models.CharField(max_length=MAX_URL_LENGTH)
    description = models.CharField(max_length=MAX_DESCRIPTION_LENGTH, blank=True, default="")
    event_types = models.JSONField(default=list, help_text="Names of events, or * for all.")
    status = models.CharField(max_length=8, choices=Status, default=Status.ENABLED)
    disabled_reason = models.CharField(max_length=16, choices=DisabledReason, blank=True, default="")
    disabled_at = models.DateTimeField(null=True, blank=True)
    last_sequence = models.BigIntegerField(
        default=0, help_text="Of its own deliveries; written under the lock of the app's counter."
    )

    # Encrypted; the id names the key of WEBHOOK_SECRET_KEYS. The previous one signs beside it while a rotation lasts.
    secret = models.TextField(editable=False)
    secret_key_id = models.CharField(max_length=MAX_KEY_ID_LENGTH, editable=False)
    previous_secret = models.TextField(editable=False, blank=True, default="")
    previous_secret_key_id = models.CharField(max_length=MAX_KEY_ID_LENGTH, editable=False, blank=True, default="")
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True)

    failing_since = models.DateTimeField(null=True, blank=True, help_text="Since its last success; empty while all is well.")
    paused_until = models.DateTimeField(null=True, blank=True, help_text="It asked for fewer requests: nothing is sent before.")
    created_at = models.DateTimeField(default=now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = EnvironmentManager.from_queryset(WebhookEndpointQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=Q(status="enabled", disabled_at__isnull=True, disabled_reason="")
                | Q(status="disabled", disabled_at__isnull=False),
                name="webhook_endpoint_is_disabled_whole",
            )
        ]
        indexes = [models.Index(fields=["environment", "app"], name="webhook_endpoint_app")]

    def __str__(self) -> str:
        return self.id

    @property
    def is_enabled(self) -> bool:
        return self.status == self.Status.ENABLED and self.deleted_at is None

    def takes(self, event_type: str) -> bool:
        return ALL_EVENTS in self.event_types or event_type in self.event_types


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(status=Delivery.Status.PENDING)

    def due(self, moment: datetime) -> Self:
        return self.waiting().filter(next_attempt_at__lte=moment)


class Delivery(models.Model):
    """One event on its way to one endpoint. While a worker posts it, `leased_until` keeps other workers from it."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"  # every attempt of the schedule was in vain
        STOPPED = "stopped"  # its endpoint was switched off or deleted before it arrived

    id = models.CharField(primary_key=True, max_length=40, default=new_delivery_id, editable=False)
    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    event = models.ForeignKey(Event, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, related_name="deliveries")
    sequence = models.BigIntegerField(help_text="Counted for each endpoint, without a gap.")
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    # The fencing token of an attempt, and with `scheduled_attempts` the place in the schedule; a resend begins the schedule anew.
    attempts = models.PositiveIntegerField(default=0)
    scheduled_attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=now, help_text="By the database's clock.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="By the database's clock.")
    created_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EnvironmentManager.from_queryset(DeliveryQuerySet)()

    class Meta:
        ordering = ("-created_at", "-sequence")
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "sequence"], name="one_delivery_a_sequence_number"),
            models.UniqueConstraint(fields=["endpoint", "event"], name="one_delivery_an_event_and_endpoint"),
        ]
        indexes = [
            models.Index(fields=["endpoint", "next_attempt_at", "sequence"], condition=Q(status="pending"), name="delivery_due"),
            models.Index(fields=["endpoint", "leased_until"], condition=Q(leased_until__isnull=False), name="delivery_leased"),
            models.Index(fields=["environment", "-created_at", "-sequence"], name="delivery_newest"),
            models.Index(fields=["environment", "status", "-created_at", "-sequence"], name="delivery_status_newest"),
        ]

    def __str__(self) -> str:
        return self.id


class DeliveryAttempt(models.Model):
    """One post of a delivery, and what came back. Append-only."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempt_log")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True, default="", help_text="Why there is no answer.")
    answer = models.TextField(blank=True, default="", help_text=f"Its first {MAX_ANSWER_LENGTH} characters.")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.delivery_id} attempt {self.number}"


# How long events and what is known of their deliveries are kept: three times the promised 30 days.
EVENTS_ARE_KEPT_FOR = timedelta(days=90)
