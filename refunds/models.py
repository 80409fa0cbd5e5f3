"""Refund: money going back to the buyer of one transaction, the whole of it or a part."""

import logging
from collections.abc import Mapping
from typing import Self

from django.db import models
from django.db.models import Q, Sum

from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.metadata import callers_metadata
from developers.models import App, Developer
from gateway.snapshots import RefundSnapshot
from transactions.models import Transaction

logger = logging.getLogger(__name__)


class Status(models.TextChoices):
    """Stripe's names for the states of a refund, and two for the time before there is one."""

    CREATING = "creating"  # reserved here; Stripe's answer is not known yet
    CREATION_FAILED = "creation_failed"  # Stripe refused to create it
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Reason(models.TextChoices):
    """Those that Stripe takes with a new refund (docs.stripe.com/api/refunds/create)."""

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"


# What a refund can become at Stripe (docs.stripe.com/refunds#failed-refunds and api/refunds/object#refund_object-status):
# a bank may send back what had succeeded, and nothing comes out of `failed` and `canceled`. One that could not be found
# here may still turn out to have been made.
LEGAL_MOVES: Mapping[str, tuple[Status, ...]] = {
    Status.CREATING: (Status.PENDING, Status.REQUIRES_ACTION, Status.SUCCEEDED, Status.FAILED, Status.CANCELED),
    Status.CREATION_FAILED: (Status.PENDING, Status.REQUIRES_ACTION, Status.SUCCEEDED, Status.FAILED, Status.CANCELED),
    Status.PENDING: (Status.REQUIRES_ACTION, Status.SUCCEEDED, Status.FAILED, Status.CANCELED),
    Status.REQUIRES_ACTION: (Status.PENDING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED),
    Status.SUCCEEDED: (Status.FAILED,),
    Status.FAILED: (),
    Status.CANCELED: (),
}
# Final. The money stays with the seller: the amount may be refunded again.
NOT_REFUNDED = (Status.CREATION_FAILED, Status.FAILED, Status.CANCELED)


class RefundQuerySet(models.QuerySet["Refund"]):
    def of(self, payment: Transaction) -> Self:
        return self.filter(transaction=payment)

    def of_app(self, app: App) -> Self:
        """The app's own, and those of payments that were made past this service at an account of its developer's."""
        return self.filter(Q(app=app) | Q(app=None, developer=app.developer_id))

    def taking_money(self) -> Self:
        """Those that went through, are pending, or whose outcome is unknown: their amounts are spoken for."""
        return self.exclude(status__in=NOT_REFUNDED)

    def total_minor(self) -> int:
        """The sum of their amounts, in minor units."""
        return self.aggregate(total=Sum("amount_minor"))["total"] or 0


class Refund(models.Model):
    """One refund: what was asked, by whom, and its state at Stripe as last seen. Amounts in minor units."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    stripe_refund_id = models.CharField(max_length=255, blank=True)
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="refunds")
    app = models.ForeignKey(App, models.PROTECT, related_name="refunds", null=True, blank=True)
    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="refunds")
    external = models.BooleanField(default=False, db_default=False, help_text="Made past this service, as in Stripe's dashboard.")
    user_id = models.CharField(max_length=255, blank=True)

    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=255, choices=Reason, blank=True)
    refund_application_fee = models.BooleanField(
        default=False, db_default=False, help_text="The platform gives its share of the application fee back too."
    )
    metadata = models.JSONField(default=dict, db_default={}, blank=True, help_text="The caller's own, as it is at Stripe.")
    status = models.CharField(max_length=255, choices=Status, default=Status.CREATING)
    failure_reason = models.CharField(max_length=255, blank=True)

    version = models.PositiveIntegerField(default=1, db_default=1, help_text="Counts its changes here.")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    objects = EnvironmentManager.from_queryset(RefundQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "stripe_refund_id"], condition=~Q(stripe_refund_id=""), name="one_row_a_stripe_refund"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_is_positive"),
            models.CheckConstraint(condition=Q(external=True) | Q(app__isnull=False), name="own_refund_has_an_app"),
        ]
        indexes = [models.Index(fields=["environment", "-created_at", "-id"], name="refund_newest")]

    def __str__(self) -> str:
        return self.stripe_refund_id or f"refund of order {self.transaction.order_id}"

    @property
    def may_still_change(self) -> bool:
        """Whether Stripe may know more than we do: one that succeeded may fail later.

        A deleted account's refunds are as they were last seen.
        """
        return self.stripe_refund_id != "" and self.status not in NOT_REFUNDED and self.transaction.account.is_active

    def differs_from(self, snapshot: RefundSnapshot) -> bool:
        seen = (self.status, self.failure_reason, self.metadata)
        return seen != (snapshot.status, snapshot.failure_reason, callers_metadata(snapshot.metadata))

    def apply(self, snapshot: RefundSnapshot) -> None:
        """Takes over what Stripe says of the refund. What it cannot have become is an old answer: refused, and logged."""
        if not self._may_become(snapshot.status):
            logger.warning("refund %s cannot become %s after %s", self, snapshot.status, self.status)
            return
        self.stripe_refund_id = snapshot.id
        self.status = snapshot.status
        self.failure_reason = snapshot.failure_reason
        self.metadata = callers_metadata(snapshot.metadata)
        self._save()

    def _may_become(self, status: str) -> bool:
        """A status that is new at Stripe is taken over as it comes, except after the end."""
        moves = LEGAL_MOVES.get(self.status, LEGAL_MOVES[Status.PENDING])
        return status == self.status or status in moves or (status not in LEGAL_MOVES and moves != ())

    def mark_creation_failed(self) -> None:
        """Stripe refused to make the refund: its amount is free again."""
        self.status = Status.CREATION_FAILED
        self._save()

    def _save(self) -> None:
        self.version += 1
        self.updated_at = now()
        self.save()
