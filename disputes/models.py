"""Dispute: a buyer's bank asks for money back, and the seller may object until a date."""

from datetime import UTC, datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, Sum

from accounts.models import ConnectedAccount
from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.rows import column_values
from developers.models import App, Developer
from gateway.snapshots import DisputeSnapshot
from transactions.models import Transaction


class Status(models.TextChoices):
    """Stripe's names (docs.stripe.com/api/disputes/object#dispute_object-status)."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


# Somebody has to answer until `evidence_due_at`.
NEEDING_RESPONSE = (Status.WARNING_NEEDS_RESPONSE, Status.NEEDS_RESPONSE, Status.APPEAL_NEEDS_RESPONSE)
# Nothing is expected to come; an appeal may still open one that was lost.
CLOSED = (Status.WARNING_CLOSED, Status.WON, Status.LOST, Status.PREVENTED)


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def needing_response(self) -> Self:
        return self.filter(status__in=NEEDING_RESPONSE)

    def lost_minor(self, payment: Transaction) -> int:
        """What buyers' banks have taken back of the payment for good, in minor units."""
        lost = self.filter(transaction=payment, status=Status.LOST)
        return lost.order_by().aggregate(total=Sum("amount_minor"))["total"] or 0


class Dispute(models.Model):
    """One dispute, or an inquiry that may become one, as it was last seen at Stripe. Amounts in minor units."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    stripe_dispute_id = models.CharField(max_length=255)
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="disputes")
    app = models.ForeignKey(App, models.PROTECT, related_name="disputes", null=True, blank=True, help_text="The payment's.")
    account = models.ForeignKey(ConnectedAccount, models.PROTECT, related_name="disputes")
    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="disputes", null=True, blank=True)
    stripe_charge_id = models.CharField(max_length=255, blank=True, default="")

    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=255)
    status = models.CharField(max_length=255, choices=Status)
    evidence_due_at = models.DateTimeField(null=True, blank=True, help_text="Until when evidence is taken.")
    has_evidence = models.BooleanField(default=False)

    version = models.PositiveIntegerField(default=1, help_text="Counts its changes here.")
    opened_at = models.DateTimeField(help_text="By Stripe's clock.")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    objects = EnvironmentManager.from_queryset(DisputeQuerySet)()

    class Meta:
        ordering = (F("evidence_due_at").asc(nulls_last=True), "-id")
        constraints = [models.UniqueConstraint(fields=["environment", "stripe_dispute_id"], name="one_row_a_stripe_dispute")]
        indexes = [
            models.Index(fields=["environment", "evidence_due_at", "-id"], name="dispute_most_urgent"),
            models.Index(
                fields=["environment", "evidence_due_at"],
                condition=Q(status__in=("warning_needs_response", "needs_response", "appeal_needs_response")),
                name="dispute_needing_response",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_dispute_id

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def needs_response(self) -> bool:
        return self.status in NEEDING_RESPONSE

    def apply(self, snapshot: DisputeSnapshot) -> None:
        """Takes over what Stripe says of the dispute. Where that is nothing new, the row stays as old as it is."""
        before = column_values(self)
        self.amount_minor = snapshot.amount_minor
        self.currency = snapshot.currency
        self.reason = snapshot.reason
        self.status = snapshot.status
        self.has_evidence = snapshot.has_evidence
        due = snapshot.evidence_due_by
        self.evidence_due_at = datetime.fromtimestamp(due, UTC) if due is not None else None
        if column_values(self) != before:
            self.version += 1
            self.updated_at = now()
            self.save()
