"""Transaction: one payment of an order at a connected account; at Stripe a payment intent."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q

from accounts.models import ConnectedAccount
from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.indexes import prefix_index
from commercecore_payments.instances import twin
from commercecore_payments.metadata import callers_metadata
from commercecore_payments.rows import column_values, save_changes
from developers.models import App, Developer
from gateway.snapshots import PaymentIntentSnapshot

logger = logging.getLogger(__name__)

# The most that Stripe takes, prefix and all (docs.stripe.com/get-started/account/statement-descriptors).
MAX_STATEMENT_DESCRIPTOR_LENGTH = 22


class Status(models.TextChoices):
    """Stripe's names for the states of a payment intent, and two for the time before there is one."""

    CREATING = "creating"  # reserved here; Stripe's answer is not known yet
    CREATION_FAILED = "creation_failed"  # Stripe refused to create it
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class CaptureMethod(models.TextChoices):
    AUTOMATIC = "automatic"
    MANUAL = "manual"


# The buyer has not begun to pay: the same request may be handed the same transaction again.
NOT_YET_PAID = (Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_CONFIRMATION)
# The payment went through, or the money is held: confirming again is an error.
CONFIRMED = (Status.SUCCEEDED, Status.REQUIRES_CAPTURE, Status.PROCESSING)
# Nothing comes after these.
TERMINAL = (Status.SUCCEEDED, Status.CANCELED, Status.CREATION_FAILED)
# Where the money is held, or the payment can still be given up (docs.stripe.com/api/payment_intents/cancel).
CANCELABLE = (
    Status.REQUIRES_PAYMENT_METHOD,
    Status.REQUIRES_CONFIRMATION,
    Status.REQUIRES_ACTION,
    Status.PROCESSING,
    Status.REQUIRES_CAPTURE,
)

# What Stripe takes from callers as the reason of a cancellation (docs.stripe.com/api/payment_intents/cancel).
CANCELLATION_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")

_AT_STRIPE = frozenset(Status) - {Status.CREATING, Status.CREATION_FAILED}
# What a payment can become (docs.stripe.com/payments/paymentintents/lifecycle). An answer that tells of another move is an
# old one. One that Stripe was thought to have refused, and has made all the same, is taken over as it is.
LEGAL_MOVES: Mapping[str, frozenset[Status]] = {
    Status.CREATING: _AT_STRIPE | {Status.CREATION_FAILED},
    Status.CREATION_FAILED: _AT_STRIPE,
    Status.REQUIRES_PAYMENT_METHOD: _AT_STRIPE - {Status.REQUIRES_PAYMENT_METHOD},
    Status.REQUIRES_CONFIRMATION: _AT_STRIPE - {Status.REQUIRES_CONFIRMATION},
    Status.REQUIRES_ACTION: _AT_STRIPE - {Status.REQUIRES_ACTION},
    Status.PROCESSING: frozenset(
        {Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_ACTION, Status.REQUIRES_CAPTURE, Status.SUCCEEDED, Status.CANCELED}
    ),
    Status.REQUIRES_CAPTURE: frozenset({Status.PROCESSING, Status.SUCCEEDED, Status.CANCELED}),
    Status.SUCCEEDED: frozenset(),
    Status.CANCELED: frozenset(),
}


def is_legal_move(before: str, after: str) -> bool:
    """Whether a payment can become so. A status that is new at Stripe is taken over as it comes, except after the end."""
    moves = LEGAL_MOVES.get(before, _AT_STRIPE)
    return before == after or after in moves or (after not in LEGAL_MOVES and moves != frozenset())


# The order may be paid by another transaction.
RELEASES_ORDER = (Status.CANCELED, Status.CREATION_FAILED)


# Stripe has made it.
AT_STRIPE = ~Q(stripe_payment_intent_id="")


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def of(self, app: App) -> Self:
        """The app's own, and those that were made past this service at an account of its developer's."""
        return self.filter(Q(app=app) | Q(external=True, developer=app.developer_id))

    def external_of(self, developer_id: str) -> Self:
        """Those that were made past this service at an account of the developer's."""
        return self.filter(external=True, developer=developer_id)

    def at_stripe(self) -> Self:
        """Those that can be named: Stripe has made them."""
        return self.filter(AT_STRIPE)

    def at(self, account: ConnectedAccount) -> Self:
        return self.filter(account=account)

    def held(self) -> Self:
        """Those whose money is authorised and not captured, or on its way."""
        return self.filter(status__in=(Status.REQUIRES_CAPTURE, Status.PROCESSING))

    def unfinished(self) -> Self:
        """Those at Stripe of which it may know more than we do."""
        return self.exclude(status__in=TERMINAL).exclude(stripe_payment_intent_id="")

    def for_order(self, order_id: str) -> Self:
        return self.filter(order_id=order_id)

    def holding_the_order(self) -> Self:
        return self.filter(holds_order=True)


class Transaction(models.Model):
    """One payment: what was asked, whom it is for, and its state at Stripe as last seen. Amounts in minor units."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True)
    # Without indexes of their own: those of the lists below begin with the same columns.
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="transactions", db_index=False)
    app = models.ForeignKey(App, models.PROTECT, related_name="transactions", null=True, blank=True, db_index=False)
    account = models.ForeignKey(ConnectedAccount, models.PROTECT, related_name="transactions", db_index=False)
    external = models.BooleanField(
        default=False, db_default=False, help_text="Made past this service, as in Stripe's dashboard: no app, user or order."
    )
    user_id = models.CharField(max_length=255, blank=True)
    order_id = models.CharField(max_length=255, blank=True)
    holds_order = models.BooleanField(default=True, help_text="Nothing else may pay this order meanwhile.")

    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    capture_method = models.CharField(max_length=16, choices=CaptureMethod, default=CaptureMethod.AUTOMATIC)
    application_fee_minor = models.BigIntegerField(default=0, db_default=0, help_text="The platform's share.")
    statement_descriptor_suffix = models.CharField(
        max_length=MAX_STATEMENT_DESCRIPTOR_LENGTH, blank=True, default="", db_default=""
    )
    return_url = models.TextField(blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    status = models.CharField(max_length=255, choices=Status, default=Status.CREATING)
    amount_capturable_minor = models.BigIntegerField(default=0)
    amount_received_minor = models.BigIntegerField(default=0)
    amount_refunded_minor = models.BigIntegerField(default=0)
    capture_before = models.DateTimeField(null=True, blank=True, help_text="When a hold lapses that is not captured.")
    capture_warned_hours = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The app was last told so many hours before the hold lapses."
    )
    stripe_charge_id = models.CharField(max_length=255, blank=True)
    stripe_payment_method_id = models.CharField(max_length=255, blank=True)
    error_code = models.CharField(max_length=255, blank=True)
    decline_code = models.CharField(max_length=255, blank=True)
    error_message = models.TextField(blank=True)

    version = models.PositiveIntegerField(default=1, db_default=1, help_text="Counts its changes here.")
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(default=now)

    objects = EnvironmentManager.from_queryset(TransactionQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="one_row_a_payment_intent",
            ),
            models.UniqueConstraint(
                fields=["environment", "app", "account", "order_id"],
                condition=Q(holds_order=True),
                name="one_payment_an_order",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="transaction_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(amount_refunded_minor__gte=0, amount_refunded_minor__lte=F("amount_received_minor")),
                name="refunded_at_most_what_was_received",
            ),
            models.CheckConstraint(
                condition=Q(amount_received_minor__gte=0, amount_received_minor__lte=F("amount_minor")),
                name="received_at_most_the_amount",
            ),
            models.CheckConstraint(
                condition=Q(amount_capturable_minor__gte=0)
                & Q(amount_capturable_minor__lte=F("amount_minor") - F("amount_received_minor")),
                name="held_at_most_what_was_not_received",
            ),
            models.CheckConstraint(
                condition=Q(application_fee_minor__gte=0, application_fee_minor__lte=F("amount_minor")),
                name="application_fee_at_most_the_amount",
            ),
            models.CheckConstraint(
                condition=Q(external=False, app__isnull=False) | Q(external=True, app__isnull=True, holds_order=False),
                name="external_transaction_has_no_app_and_no_order",
            ),
        ]
        indexes = [
            models.Index(fields=["environment", "-created_at", "-id"], name="transaction_newest"),
            models.Index(fields=["app", "order_id", "account"], name="transaction_of_app_order"),
            # All of one account's, some at a time: what the reconciliation reads.
            models.Index(fields=["account", "id"], name="transaction_of_account"),
            models.Index(
                fields=["environment", "capture_before"], condition=Q(status="requires_capture"), name="transaction_held_until"
            ),
            # What operators search by, and what they filter their list by.
            prefix_index("stripe_payment_intent_id", "transaction_intent_prefix"),
            prefix_index("stripe_charge_id", "transaction_charge_prefix"),
            prefix_index("order_id", "transaction_order_prefix"),
            prefix_index("user_id", "transaction_user_prefix"),
            models.Index(fields=["environment", "status", "-created_at", "-id"], name="transaction_status_newest"),
            models.Index(fields=["environment", "currency", "-created_at", "-id"], name="transaction_currency_newest"),
            models.Index(
                fields=["environment", "-created_at", "-id"],
                condition=Q(capture_method="manual"),
                name="transaction_manual_newest",
            ),
            models.Index(
                fields=["environment", "error_code", "decline_code", "-created_at"],
                condition=~Q(error_code=""),
                name="transaction_error_newest",
            ),
            models.Index(fields=["developer", "environment", "-created_at", "-id"], name="transaction_of_developer"),
            # What apps list: see transactions.operations.lists. A payment is written here once Stripe has made it.
            *(
                models.Index(fields=[*columns, "-created_at", "-id"], condition=condition, name=name)
                for name, columns, condition in (
                    ("transaction_of_app", ("app", "environment"), AT_STRIPE),
                    ("transaction_of_app_account", ("app", "account"), AT_STRIPE),
                    ("transaction_of_app_status", ("app", "environment", "status"), AT_STRIPE),
                    ("transaction_of_app_user", ("app", "environment", "user_id"), AT_STRIPE),
                    ("transaction_of_app_amount", ("app", "environment", "amount_minor"), AT_STRIPE),
                    ("transaction_external", ("developer", "environment"), Q(external=True)),
                    ("transaction_external_account", ("account",), Q(external=True)),
                    ("transaction_external_status", ("developer", "environment", "status"), Q(external=True)),
                    ("transaction_external_amount", ("developer", "environment", "amount_minor"), Q(external=True)),
                )
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_payment_intent_id or f"payment of order {self.order_id}"

    @property
    def is_confirmed(self) -> bool:
        return self.status in CONFIRMED

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def is_held(self) -> bool:
        return self.status == Status.REQUIRES_CAPTURE

    @property
    def may_still_change(self) -> bool:
        """Whether Stripe may know more than we do. A deleted account's payments are as they were last seen."""
        return self.stripe_payment_intent_id != "" and not self.is_terminal and self.account.is_active

    def answers_the_same_request(self, *, user_id: str, currency: str, return_url: str, capture_method: str) -> bool:
        """Whether a second request for the order is the first one again; its amount and metadata may have changed.

        The return_url may change too, but not come or go: by it the payment intent was made to allow redirects or not.
        """
        return (
            (self.user_id, self.currency, self.capture_method) == (user_id, currency, capture_method)
            and bool(self.return_url) == bool(return_url)
            and self.status in NOT_YET_PAID
        )

    def change_return_url(self, return_url: str) -> None:
        """Where the buyer is sent back to from the next confirmation on."""
        if self.return_url != return_url:
            self.return_url = return_url
            self._save()

    def mark_creation_failed(self) -> None:
        """Stripe refused to make the payment intent: the order is free for another try."""
        before = column_values(self)
        self.status = Status.CREATION_FAILED
        self.holds_order = False
        self._save_changes(before)

    def apply(self, snapshot: PaymentIntentSnapshot) -> None:
        """Takes over what Stripe says of the payment intent. What it cannot have become is an old answer: refused, and logged.

        Where it says nothing new, the row stays as old as it is: what somebody else has read meanwhile is not refused for it.
        """
        if not is_legal_move(self.status, snapshot.status):
            logger.warning("transaction %s cannot become %s after %s", self, snapshot.status, self.status)
            return
        before = column_values(self)
        self._take(snapshot)
        if column_values(self) != before:
            self._save_changes(before)

    def correct(self, snapshot: PaymentIntentSnapshot) -> None:
        """Takes over what Stripe says though no payment becomes so: a person has looked at both sides, and ours was wrong.

        The caller looks after the order that it may pay after all.
        """
        self._take(snapshot)
        self.currency = snapshot.currency
        self._save()

    def says_nothing_new(self, snapshot: PaymentIntentSnapshot) -> bool:
        """Whether all that Stripe says there is known here."""
        told = twin(self)
        told._take(snapshot)
        return column_values(told) == column_values(self)

    def as_told(self, snapshot: PaymentIntentSnapshot) -> "Transaction":
        """The payment as `apply` would make it: a copy, which nobody saves."""
        told = twin(self)
        if is_legal_move(self.status, snapshot.status):
            told._take(snapshot)
        return told

    def _take(self, snapshot: PaymentIntentSnapshot) -> None:
        self.stripe_payment_intent_id = snapshot.id
        self.status = snapshot.status
        self.amount_minor = snapshot.amount_minor
        self.amount_capturable_minor = snapshot.amount_capturable_minor
        self.amount_received_minor = snapshot.amount_received_minor
        self.application_fee_minor = snapshot.application_fee_minor
        self.statement_descriptor_suffix = snapshot.statement_descriptor_suffix
        self._note_capture_before(snapshot)
        self.metadata = callers_metadata(snapshot.metadata)
        self.stripe_charge_id = snapshot.latest_charge_id
        self.stripe_payment_method_id = snapshot.payment_method_id
        self.error_code = snapshot.last_payment_error.code
        self.decline_code = snapshot.last_payment_error.decline_code
        self.error_message = snapshot.last_payment_error.message
        self.holds_order = self.holds_order and self.status not in RELEASES_ORDER

    def hold_order_again(self) -> bool:
        """The order was free, and is this payment's again unless another one holds it by now; whether it is.

        The unique index decides, since a new transaction may be reserved at this very moment.
        """
        if self.status in RELEASES_ORDER or self.external:
            return True
        try:
            with transaction.atomic():
                Transaction.objects.filter(pk=self.pk).update(holds_order=True, version=F("version") + 1)
        except IntegrityError:
            return False
        self.holds_order = True
        self.version += 1
        return True

    def _note_capture_before(self, snapshot: PaymentIntentSnapshot) -> None:
        """Errors carry the intent without its charge: what is known of a hold then stays."""
        if not self.is_held:
            self.capture_before = self.capture_warned_hours = None
        elif snapshot.capture_before is not None:
            self.capture_before = datetime.fromtimestamp(snapshot.capture_before, UTC)

    def mark_refunded(self, amount_refunded_minor: int, *, of_it_succeeded_minor: int) -> None:
        """Notes the sum of all refunds that Stripe took, pending ones included, as Stripe itself counts them.

        When the whole has gone back, the order may be paid anew. A pending refund may still fail, so it frees nothing.
        """
        self.amount_refunded_minor = amount_refunded_minor
        wholly_refunded = 0 < self.amount_received_minor == of_it_succeeded_minor
        self.holds_order = self.holds_order and not wholly_refunded
        self._save()

    def note_capture_warning(self, hours: int) -> None:
        """Its app is told, in this transaction, that the hold lapses in so many hours."""
        self.capture_warned_hours = hours
        self._save()

    def _save_changes(self, before: Mapping[str, Any]) -> None:
        self.version += 1
        self.updated_at = now()
        save_changes(self, before)

    def _save(self) -> None:
        self.version += 1
        self.updated_at = now()
        self.save()
