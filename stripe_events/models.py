"""StripeEvent: one event of Stripe's as it was received, and what came of it."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Q

from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.indexes import prefix_index
from commercecore_payments.statements import insert


class Status(models.TextChoices):
    PENDING = "pending"  # to be applied, or to be applied again
    APPLIED = "applied"
    UNHANDLED = "unhandled"  # of a type that nothing here waits for
    QUARANTINED = "quarantined"  # of an account or an environment that is not ours
    FAILED = "failed"  # every attempt at applying it was in vain


class Source(models.TextChoices):
    WEBHOOK = "webhook"
    LIST = "list"  # read from Stripe's list of events, where the webhook had not come


# What an event waits for is under way here, and ends or is taken up by recovery within minutes.
WAITS_TOO_LONG_AFTER = timedelta(hours=1)


class StripeEventQuerySet(models.QuerySet["StripeEvent"]):
    def due(self, moment: datetime) -> Self:
        """Those that are to be applied now: before all others those that have not failed yet, the longest due first."""
        due = self.filter(status=Status.PENDING, next_attempt_at__lte=moment)
        return due.order_by("failures", "next_attempt_at", "id")

    def same_as(self, event: "StripeEvent") -> Self:
        """The one that is kept under the same key as `event`, if there is any."""
        return self.filter(account_id=event.account_id, livemode=event.livemode, event_id=event.event_id)

    def in_trouble(self) -> Self:
        """Those that could not be applied: given up, waiting for another attempt after an error, or waiting for too long."""
        waits = Q(failures__gt=0) | Q(received_at__lt=now() - WAITS_TOO_LONG_AFTER)
        return self.filter(Q(status=Status.FAILED) | Q(waits, status=Status.PENDING))


class StripeEvent(models.Model):
    """Kept before Stripe is answered, applied from here, and never dropped."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    # Empty for the platform's own, since two NULLs would be two different keys.
    account_id = models.CharField("connected account", max_length=255, blank=True, default="")
    livemode = models.BooleanField()
    event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=255)
    object_id = models.CharField(max_length=255, blank=True, default="")
    api_version = models.CharField(max_length=255, blank=True, default="")
    source = models.CharField(max_length=8, choices=Source, default=Source.WEBHOOK)
    payload = models.JSONField(help_text="As Stripe sent it, without client secrets.")
    happened_at = models.DateTimeField(help_text="By Stripe's clock.")
    received_at = models.DateTimeField(default=now)

    status = models.CharField(max_length=11, choices=Status, default=Status.PENDING)
    note = models.TextField(blank=True, default="", help_text="What came of it, or what it waits for.")
    error = models.TextField(blank=True, default="", help_text="Of the last attempt that failed.")
    failures = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=now, help_text="By the database's clock; while it is applied, its lease.")
    applied_at = models.DateTimeField(null=True, blank=True)

    objects = EnvironmentManager.from_queryset(StripeEventQuerySet)()

    class Meta:
        verbose_name = "Stripe event"
        ordering = ("-received_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["environment", "account_id", "livemode", "event_id"], name="one_row_a_stripe_event")
        ]
        indexes = [
            models.Index(fields=["environment", "-received_at", "-id"], name="stripe_event_newest"),
            models.Index(fields=["environment", "next_attempt_at", "id"], condition=Q(status="pending"), name="stripe_event_due"),
            # By what is known of an object: its id, or how it begins.
            prefix_index("object_id", "stripe_event_object_prefix"),
            # What operators look for, and what is forgotten one day.
            models.Index(
                fields=["environment", "received_at"],
                condition=Q(status__in=("failed", "quarantined")),
                name="stripe_event_trouble",
            ),
            models.Index(
                fields=["environment", "received_at"],
                condition=Q(status__in=("applied", "unhandled")),
                name="stripe_event_oldest",
            ),
            # What operators search by, and what they filter their list by.
            prefix_index("event_id", "stripe_event_id_prefix"),
            prefix_index("account_id", "stripe_event_account_prefix"),
            prefix_index("type", "stripe_event_type_prefix"),
            models.Index(fields=["environment", "status", "-received_at", "-id"], name="stripe_event_status_newest"),
            models.Index(fields=["environment", "happened_at"], name="stripe_event_happened"),
            models.Index(
                fields=["environment", "-received_at", "-id"], condition=Q(source="list"), name="stripe_event_listed_newest"
            ),
        ]

    def __str__(self) -> str:
        return self.event_id

    def insert_once(self) -> bool:
        """Inserts this new event in one statement, due from now on; False, and nothing is written, where it is kept already."""
        return insert(self, times={"next_attempt_at": timedelta()}, unless_there=True)

    @property
    def content(self) -> dict[str, Any]:
        """The object that it tells of, as it was then."""
        return dict(self.payload["data"]["object"])


# How long applied events are kept: longer than Stripe lists its own, which is 30 days, so that none is applied twice.
APPLIED_EVENTS_ARE_KEPT_FOR = timedelta(days=90)
