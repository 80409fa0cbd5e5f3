"""Payout: money on its way from a seller's balance at Stripe to the seller's bank."""

from datetime import UTC, datetime
from typing import Self

from django.db import models

from accounts.models import ConnectedAccount
from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.rows import column_values
from developers.models import Developer
from gateway.snapshots import PayoutSnapshot


class Status(models.TextChoices):
    """Stripe's names (docs.stripe.com/api/payouts/object#payout_object-status)."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class PayoutQuerySet(models.QuerySet["Payout"]):
    def of_account(self, account: ConnectedAccount) -> Self:
        return self.filter(account=account)


class Payout(models.Model):
    """One payout as it was last seen at Stripe. `amount_minor` is negative where money was taken back from the bank."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    stripe_payout_id = models.CharField(max_length=255)
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="payouts")
    account = models.ForeignKey(ConnectedAccount, models.PROTECT, related_name="payouts")

    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=255, choices=Status)
    automatic = models.BooleanField(default=True)
    arrives_at = models.DateTimeField(null=True, blank=True, help_text="The day on which the bank should have it.")
    failure_code = models.CharField(max_length=255, blank=True, default="")
    failure_message = models.TextField(blank=True, default="")

    made_at = models.DateTimeField(help_text="By Stripe's clock.")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    objects = EnvironmentManager.from_queryset(PayoutQuerySet)()

    class Meta:
        ordering = ("-made_at", "-id")
        constraints = [models.UniqueConstraint(fields=["environment", "stripe_payout_id"], name="one_row_a_stripe_payout")]
        indexes = [models.Index(fields=["environment", "-made_at", "-id"], name="payout_newest")]

    def __str__(self) -> str:
        return self.stripe_payout_id

    def apply(self, snapshot: PayoutSnapshot) -> None:
        """Takes over what Stripe says of the payout. Where that is nothing new, the row stays as old as it is."""
        before = column_values(self)
        self.status = snapshot.status
        self.amount_minor = snapshot.amount_minor
        self.currency = snapshot.currency
        self.automatic = snapshot.automatic
        self.failure_code = snapshot.failure_code
        self.failure_message = snapshot.failure_message
        arrives = snapshot.arrival_date
        self.arrives_at = datetime.fromtimestamp(arrives, UTC) if arrives is not None else None
        if column_values(self) != before:
            self.updated_at = now()
            self.save()
