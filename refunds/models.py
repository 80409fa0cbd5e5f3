"""Refund: money going back to the buyer of one transaction, the whole of it or a part."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q, Sum

from accounts.models import ConnectedAccount
from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.indexes import prefix_index
from commercecore_payments.metadata import callers_metadata
from developers.models import App, Developer
from gateway.snapshots import RefundSnapshot
from staff.models import MAX_USERNAME_LENGTH
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


# Stripe has made it.
AT_STRIPE = ~Q(stripe_refund_id="")


class RefundQuerySet(models.QuerySet["Refund"]):
    def of(self, payment: Transaction) -> Self:
        return self.filter(transaction=payment)

    def of_app(self, app: App) -> Self:
        """The app's own, and those of payments that were made past this service at an account of its developer's."""
        return self.filter(Q(app=app) | Q(app=None, developer=app.developer_id))

    def of_no_app(self, developer_id: str) -> Self:
        """Those of payments that were made past this service at an account of the developer's."""
        return self.filter(app=None, developer=developer_id)

    def at_stripe(self) -> Self:
        """Those that can be named: Stripe has made them."""
        return self.filter(AT_STRIPE)

    def taking_money(self) -> Self:
        """Those that went through, are pending, or whose outcome is unknown: their amounts are spoken for."""
        return self.exclude(status__in=NOT_REFUNDED)

    def by_the_staff_since(self, moment: datetime) -> Self:
        """Those that were made in the admin since then."""
        return self.filter(created_at__gte=moment).exclude(operator="")

    def total_minor(self) -> int:
        """The sum of their amounts, in minor units."""
        return self.aggregate(total=Sum("amount_minor"))["total"] or 0


class Refund(models.Model):
    """One refund: what was asked, by whom, and its state at Stripe as last seen. Amounts in minor units."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    stripe_refund_id = models.CharField(max_length=255, blank=True)
    # Without indexes of their own: those of the lists below begin with the same columns.
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="refunds", db_index=False)
    app = models.ForeignKey(App, models.PROTECT, related_name="refunds", null=True, blank=True, db_index=False)
    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="refunds")
    account = models.ForeignKey(
        ConnectedAccount,
        models.PROTECT,
        related_name="refunds",
        null=True,
        db_index=False,
        help_text="That of its payment, by which refunds are listed. Empty where the release before has written it since.",
    )
    external = models.BooleanField(default=False, db_default=False, help_text="Made past this service, as in Stripe's dashboard.")
    user_id = models.CharField(max_length=255, blank=True)
    operator = models.CharField(
        max_length=MAX_USERNAME_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="Whoever on the staff asked for it, by username.",
    )

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
            models.CheckConstraint(
                condition=Q(external=True) | Q(app__isnull=False) | ~Q(operator=""), name="own_refund_has_an_app_or_an_operator"
            ),
        ]
        indexes = [
            models.Index(fields=["environment", "-created_at", "-id"], name="refund_newest"),
            # What operators search by, and what they filter their list by.
            prefix_index("stripe_refund_id", "refund_id_prefix"),
            prefix_index("user_id", "refund_user_prefix"),
            models.Index(fields=["environment", "status", "-created_at", "-id"], name="refund_status_newest"),
            models.Index(fields=["environment", "currency", "-created_at", "-id"], name="refund_currency_newest"),
            models.Index(
                fields=["environment", "reason", "-created_at", "-id"], condition=~Q(reason=""), name="refund_reason_newest"
            ),
            models.Index(fields=["developer", "environment", "-created_at", "-id"], name="refund_of_developer"),
            # What apps list: see refunds.operations.lists.
            *(
                models.Index(fields=["app", "environment", *of_what, "-created_at", "-id"], condition=AT_STRIPE, name=name)
                for name, of_what in {
                    "refund_of_app": (),
                    "refund_of_app_status": ("status",),
                    "refund_of_app_user": ("user_id",),
                    "refund_of_app_amount": ("amount_minor",),
                }.items()
            ),
            models.Index(
                fields=["developer", "environment", "-created_at", "-id"], condition=Q(app=None), name="refund_of_no_app"
            ),
            models.Index(fields=["app", "account", "-created_at", "-id"], condition=AT_STRIPE, name="refund_of_app_account"),
            models.Index(fields=["account", "-created_at", "-id"], condition=Q(app=None), name="refund_of_no_app_account"),
        ]

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
        if not self.may_become(snapshot.status):
            logger.warning("refund %s cannot become %s after %s", self, snapshot.status, self.status)
            return
        self.stripe_refund_id = snapshot.id
        self.status = snapshot.status
        self.failure_reason = snapshot.failure_reason
        self.metadata = callers_metadata(snapshot.metadata)
        self._save()

    def correct(self, snapshot: RefundSnapshot, *, payment: Transaction) -> None:
        """Takes over what Stripe says though no refund becomes so: a person has looked at both sides, and ours was wrong."""
        self.transaction = payment
        self.account_id = payment.account_id
        self.status = snapshot.status
        self.failure_reason = snapshot.failure_reason
        self.amount_minor = snapshot.amount_minor
        self.currency = snapshot.currency
        self.metadata = callers_metadata(snapshot.metadata)
        self._save()

    def may_become(self, status: str) -> bool:
        """Whether Stripe may tell so of it. A status that is new at Stripe is taken over as it comes, except after the end."""
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


class ApprovalStatus(models.TextChoices):
    WAITING = "waiting"
    APPROVED = "approved"  # written together with the refund, which is asked for once: a process may die in between
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by whoever asked for it
    EXPIRED = "expired"


# A week leaves nobody's holidays out, and what nobody decided by then is better asked for anew. Our own choice.
APPROVALS_WAIT_FOR = timedelta(days=7)


class RefundApprovalQuerySet(models.QuerySet["RefundApproval"]):
    def of(self, payment: Transaction) -> Self:
        return self.filter(transaction=payment)

    def waiting(self) -> Self:
        """Those that somebody has to decide: what waits for longer than APPROVALS_WAIT_FOR has lapsed."""
        return self.filter(status=ApprovalStatus.WAITING, requested_at__gt=now() - APPROVALS_WAIT_FOR)

    def lapse(self) -> None:
        """Closes those that waited for too long, so that their payments may be asked for again."""
        lapsed = self.filter(status=ApprovalStatus.WAITING, requested_at__lte=now() - APPROVALS_WAIT_FOR)
        lapsed.update(status=ApprovalStatus.EXPIRED)


class RefundApproval(models.Model):
    """A refund that the staff asked for and that waits, or waited, for a second person. Amounts in minor units."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="refund_approvals")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    stripe_reason = models.CharField(max_length=255, choices=Reason, blank=True)
    refund_application_fee = models.BooleanField(default=False)

    reason = models.TextField(help_text="Why it was asked for.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=now)

    status = models.CharField(max_length=16, choices=ApprovalStatus, default=ApprovalStatus.WAITING)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="Why it was decided so, and what became of the refund.")
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="approvals", null=True, blank=True)

    objects = EnvironmentManager.from_queryset(RefundApprovalQuerySet)()

    class Meta:
        ordering = ("-requested_at", "-id")
        verbose_name = "refund to approve"
        verbose_name_plural = "refunds to approve"
        constraints = [
            models.UniqueConstraint(fields=["transaction"], condition=Q(status="waiting"), name="one_waiting_refund_a_payment"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="waiting_refund_amount_is_positive"),
            models.CheckConstraint(
                condition=~Q(status__in=("approved", "refused")) | ~Q(decided_by=F("requested_by")),
                name="refund_is_decided_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("approved", "refused")) | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="decided_refund_names_who_decided",
            ),
        ]
        indexes = [models.Index(fields=["environment", "status", "-requested_at"], name="refund_approval_waiting")]

    def __str__(self) -> str:
        return f"refund of {self.transaction}"

    @property
    def is_waiting(self) -> bool:
        """Whether it can still be decided."""
        return self.status == ApprovalStatus.WAITING and self.requested_at > now() - APPROVALS_WAIT_FOR

    def decide(self, status: ApprovalStatus, *, by: User | None, note: str = "") -> bool:
        """Ends the waiting, once; False where somebody else has ended it before. One guarded UPDATE decides."""
        waiting = RefundApproval.objects.waiting().filter(pk=self.pk)
        ended = waiting.update(status=status, decided_by=by, decided_at=now(), note=note)
        self.refresh_from_db()
        return ended == 1

    def note_outcome(self, reason: str, told: str, refund: Refund) -> None:
        """Why it was approved, and what has become of its refund."""
        self.note = with_outcome(reason, told)
        self.refund = refund
        self.save(update_fields=["note", "refund"])


def with_outcome(reason: str, told: str) -> str:
    """A person's reason as a sentence, and what is `told` after it."""
    if not reason:
        return told
    return f"{reason} {told}" if reason.endswith((".", "!", "?")) else f"{reason}. {told}"
