"""ConnectedAccount: a seller, and how far their onboarding has come."""

import secrets
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Q

from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.rows import column_values
from developers.models import Developer
from gateway.snapshots import AccountSnapshot

ONBOARDING_LINK_LIFETIME = timedelta(hours=18)  # documented: "onboarding link expires in 18 hours"
ONE_HOUR = timedelta(hours=1)


class Status(models.TextChoices):
    CREATING = "creating"  # reserved here; Stripe's answer is not known yet
    ACTIVE = "active"
    DELETING = "deleting"  # nothing new begins at it; Stripe's answer is not known yet
    FAILED = "failed"  # Stripe refused to create it
    DELETED = "deleted"


class Onboarding(models.TextChoices):
    """How far the onboarding has come, as Stripe's own fields tell it."""

    INCOMPLETE = "incomplete"  # the seller has not submitted all details
    PENDING = "pending"  # submitted; Stripe is verifying, or asks for more
    COMPLETE = "complete"  # charges and payouts are enabled


# An email belongs to one account of a developer while the account is one of these.
STATUSES_IN_USE = (Status.CREATING, Status.ACTIVE, Status.DELETING)


class ConnectedAccountQuerySet(models.QuerySet["ConnectedAccount"]):
    def of(self, developer: Developer) -> Self:
        return self.filter(developer=developer)

    def in_use(self) -> Self:
        return self.filter(status__in=STATUSES_IN_USE)

    def active(self) -> Self:
        return self.filter(status=Status.ACTIVE)

    def existing(self) -> Self:
        """Those that Stripe holds, one that is being deleted included."""
        return self.filter(status__in=(Status.ACTIVE, Status.DELETING))


class ConnectedAccount(models.Model):
    """A seller's account at Stripe (Express), as it was last seen."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    stripe_account_id = models.CharField(max_length=255, blank=True)
    # Without an index of its own: that of its list begins with the same column.
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="connected_accounts", db_index=False)
    email = models.EmailField()
    status = models.CharField(max_length=16, choices=Status, default=Status.CREATING)

    country = models.CharField(max_length=255, blank=True)
    default_currency = models.CharField(max_length=255, blank=True)
    charges_enabled = models.BooleanField(default=False)
    payouts_enabled = models.BooleanField(default=False)
    details_submitted = models.BooleanField(default=False)
    capabilities = models.JSONField(default=dict, blank=True)
    requirements = models.JSONField(default=dict, blank=True)
    stripe_created = models.BigIntegerField(null=True, blank=True, help_text="Seconds since 1970, as Stripe counts.")

    onboarding_link_nonce = models.CharField(max_length=64, blank=True)
    onboarding_link_expires_at = models.DateTimeField(null=True, blank=True)

    version = models.PositiveIntegerField(default=1, db_default=1, help_text="Counts its changes here.")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = EnvironmentManager.from_queryset(ConnectedAccountQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=["environment", "-created_at", "-id"], name="account_newest"),
            models.Index(fields=["developer", "environment", "-created_at", "-id"], name="account_of_developer"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "stripe_account_id"],
                condition=~Q(stripe_account_id=""),
                name="one_row_a_stripe_account",
            ),
            models.UniqueConstraint(
                fields=["environment", "developer", "email"],
                condition=Q(status__in=STATUSES_IN_USE),
                name="one_account_an_email_in_use",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_account_id or f"account of {self.email}"

    @property
    def is_being_deleted(self) -> bool:
        return self.status == Status.DELETING

    @property
    def is_active(self) -> bool:
        return self.status == Status.ACTIVE

    @property
    def is_deleted(self) -> bool:
        return self.status == Status.DELETED

    @property
    def onboarding(self) -> Onboarding:
        if not self.details_submitted:
            return Onboarding.INCOMPLETE
        if self.charges_enabled and self.payouts_enabled:
            return Onboarding.COMPLETE
        return Onboarding.PENDING

    @property
    def documented_requirements(self) -> dict[str, Any]:
        """What the API tells of them: all but what Stripe found wrong, which `accounts.readiness` puts into words."""
        return {name: value for name, value in self.requirements.items() if name != "errors"}

    def mark_created(self, snapshot: AccountSnapshot) -> None:
        """Stripe made the account: it is known by its id from now on, and its onboarding link begins to run."""
        self.stripe_account_id = snapshot.id
        self.stripe_created = snapshot.created
        self.status = Status.ACTIVE
        self.renew_onboarding_link()
        self.apply(snapshot)

    def mark_failed(self) -> None:
        self._move_to(Status.FAILED)

    def mark_deleting(self) -> None:
        self._move_to(Status.DELETING)

    def mark_kept(self) -> None:
        """Stripe refused to delete it: it is in use as before."""
        self._move_to(Status.ACTIVE)

    def mark_deleted(self) -> None:
        """The account is gone: its link is dead and its email free; the row and its history stay."""
        self.deleted_at = now()
        self.onboarding_link_nonce = ""
        self.onboarding_link_expires_at = None
        self._move_to(Status.DELETED)

    def apply(self, snapshot: AccountSnapshot) -> None:
        """Takes over what Stripe says of the account. Where that is nothing new, the row stays as old as it is."""
        before = column_values(self)
        self.country = snapshot.country
        self.default_currency = snapshot.default_currency
        self.charges_enabled = snapshot.charges_enabled
        self.payouts_enabled = snapshot.payouts_enabled
        self.details_submitted = snapshot.details_submitted
        self.capabilities = dict(snapshot.capabilities)
        self.requirements = dict(snapshot.requirements)
        if column_values(self) != before:
            self._save()

    def renew_onboarding_link(self) -> None:
        """A new link for the next 18 hours; an older one stops working. The caller saves."""
        self.onboarding_link_nonce = secrets.token_urlsafe(24)  # 192 bits
        self.onboarding_link_expires_at = now() + ONBOARDING_LINK_LIFETIME

    def onboarding_link_is_alive(self, *, at_least: timedelta = timedelta(0)) -> bool:
        """Whether the present link works, and goes on to work for `at_least`."""
        expires_at = self.onboarding_link_expires_at
        return self.status == Status.ACTIVE and expires_at is not None and expires_at - now() > at_least

    def onboarding_link_hours(self, *, at: datetime) -> int:
        """The whole hours that the present link still works, to the nearest; 0 where there is none."""
        if self.onboarding_link_expires_at is None:
            return 0
        return round((self.onboarding_link_expires_at - at) / ONE_HOUR)

    def _move_to(self, status: Status) -> None:
        self.status = status
        self._save()

    def _save(self) -> None:
        self.version += 1
        self.updated_at = now()
        self.save()
