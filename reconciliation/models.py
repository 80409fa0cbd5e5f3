"""Run: one comparison of our records with Stripe's books. Case: one difference between them, until it is gone or decided."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q

from accounts.models import ConnectedAccount
from commercecore_payments.clock import now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from developers.models import App
from transactions.models import Transaction

# Of Stripe's ids (docs.stripe.com/upgrades).
ID_LENGTH = 255
# Stripe may book in currencies of more letters than three, such as usdc (docs.stripe.com/crypto/stablecoin-payments).
CURRENCY_LENGTH = 8


class ObjectKind(models.TextChoices):
    """What is compared, by Stripe's names for its objects; an order is ours alone."""

    ACCOUNT = "account", "Connected account"
    PAYMENT_INTENT = "payment_intent", "Payment intent"
    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"
    BALANCE_TRANSACTION = "balance_transaction", "Balance transaction"
    APPLICATION_FEE = "application_fee", "Application fee"
    ORDER = "order"


class DifferenceType(models.TextChoices):
    """How the two sides differ."""

    MISSING_HERE = "missing_here", "Missing here"  # Stripe has it, and we do not
    MISSING_THERE = "missing_there", "Missing at Stripe"  # we have it, and Stripe does not
    AMOUNT = "amount", "Another amount"
    CURRENCY = "currency", "Another currency"
    STATE = "state", "Another state"
    ORPHAN = "orphan", "Belongs to nothing"  # that both sides know
    EXTERNAL_REFUND = "external_refund", "Refund made past us"  # and not recorded
    # Our record waits for an event that Stripe lists and that never came.
    EVENT_NEVER_DELIVERED = "event_never_delivered", "Event never delivered"
    PROBABLE_DUPLICATE = "probable_duplicate", "Probable duplicate"  # two payments of one order


class Proposal(models.TextChoices):
    """What would end a case."""

    RECORD = "record"  # it is read from Stripe, and recorded here
    TAKE_OVER = "take_over"  # our record takes over what Stripe says
    CORRECT = "correct"  # the same against the rules of our records: a person looks at both first
    REFUND = "refund"  # a person gives the money back
    LOOK = "look"  # a person finds out at Stripe what it is


class RunQuerySet(models.QuerySet["Run"]):
    def ended(self) -> Self:
        return self.exclude(status=Run.Status.RUNNING)

    def of_everything(self) -> Self:
        """Those that tell whether our books agree: of all accounts, and of all times or as far back as a night looks."""
        return self.filter(Q(since=None, until=None) | Q(by_worker=True), account_id="", app_id="")


class Run(models.Model):
    """One comparison, as far as it has come; what belongs to one account is compared whole or, after a kill, again."""

    class Status(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"  # it could not be finished

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    # What was asked for: only what Stripe made from `since` on and before `until`, of one account, of one app.
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    account_id = models.CharField("connected account", max_length=ID_LENGTH, blank=True, default="")
    app_id = models.CharField("app", max_length=ID_LENGTH, blank=True, default="")
    grace_s = models.PositiveIntegerField(help_text="Seconds. What is younger is not compared yet.")
    mends = models.BooleanField(default=False, help_text="What can be mended without moving money is mended.")
    asked = models.CharField(max_length=ID_LENGTH, blank=True, default="", help_text="All of that, in words: one runs at a time.")
    asked_by = models.CharField(max_length=150, help_text="Who or what began it.")
    by_worker = models.BooleanField(default=False, help_text="A worker carries it out.")

    # How far it has come: whether the list of accounts was compared, and the last account whose books were compared whole. Only
    # the holder may go on while its lease lasts.
    accounts_compared = models.BooleanField(default=False)
    last_account = models.BigIntegerField(default=0)
    holder = models.CharField(max_length=255, blank=True, default="")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="By the database's clock.")
    resumed = models.PositiveIntegerField(default=0, help_text="How often it was continued after it had stopped.")

    compared = models.JSONField(default=dict, help_text="How many objects of each kind were compared.")
    young = models.PositiveBigIntegerField(default=0, help_text="Differed, and were too young to be called a difference.")
    accepted = models.PositiveBigIntegerField(default=0, help_text="Differ as a person has accepted it.")
    differences = models.JSONField(default=dict, help_text="How many differences of each type were found.")
    mended = models.PositiveBigIntegerField(default=0)
    left_open = models.PositiveBigIntegerField(default=0)
    at_stake = models.JSONField(default=dict, help_text="Of the open ones: minor units by currency.")
    error = models.TextField(blank=True, default="")
    not_compared = models.JSONField(
        default=dict, blank=True, help_text="What could not be compared, such as the books of one account, and why."
    )

    started_at = models.DateTimeField(default=now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EnvironmentManager.from_queryset(RunQuerySet)()

    class Meta:
        ordering = ("-started_at", "-id")
        verbose_name = "reconciliation run"
        constraints = [
            models.CheckConstraint(
                condition=Q(status="running", finished_at__isnull=True) | (~Q(status="running") & Q(finished_at__isnull=False)),
                name="run_is_finished_when_it_ends",
            ),
            models.UniqueConstraint(
                fields=["environment", "asked"], condition=Q(status="running"), name="one_run_at_a_time_of_what_is_asked"
            ),
        ]
        indexes = [models.Index(fields=["environment", "-started_at", "-id"], name="run_newest")]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def total_compared(self) -> int:
        return sum(self.compared.values())

    @property
    def total_differences(self) -> int:
        return sum(self.differences.values())


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> Self:
        return self.filter(status=Case.Status.OPEN)

    def of(self, account: ConnectedAccount) -> Self:
        return self.filter(account=account)


class Case(models.Model):
    """One object on which the two sides differ: what each says, what would end it, and the money at stake."""

    class Status(models.TextChoices):
        OPEN = "open"
        MENDED = "mended"  # our record was brought in step with Stripe's
        GONE = "gone"  # a later comparison found both sides the same
        ACCEPTED = "accepted"  # a person decided that it stays so

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    type = models.CharField(max_length=24, choices=DifferenceType)
    kind = models.CharField(max_length=24, choices=ObjectKind)
    object_id = models.CharField(max_length=ID_LENGTH, help_text="At Stripe; of an order our own.")
    account_id_at_stripe = models.CharField("connected account", max_length=ID_LENGTH, blank=True, default="")
    account = models.ForeignKey(ConnectedAccount, models.PROTECT, related_name="cases", null=True, blank=True)
    app = models.ForeignKey(App, models.PROTECT, related_name="cases", null=True, blank=True)
    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="cases", null=True, blank=True)

    # Both sides: the facts that differ, and those that one needs to understand them.
    here = models.JSONField(default=dict, blank=True)
    there = models.JSONField(default=dict, blank=True)
    summary = models.TextField()
    proposal = models.CharField(max_length=16, choices=Proposal)
    at_stake_minor = models.BigIntegerField(default=0, help_text="Minor units.")
    currency = models.CharField(max_length=CURRENCY_LENGTH, blank=True, default="")
    object_created_at = models.DateTimeField(null=True, blank=True, help_text="By Stripe's clock, or ours where Stripe has none.")

    first_run = models.ForeignKey(Run, models.PROTECT, related_name="opened_cases")
    last_run = models.ForeignKey(Run, models.PROTECT, related_name="cases")
    last_problem = models.TextField(blank=True, default="", help_text="Why mending it did not work.")
    opened_at = models.DateTimeField(default=now)
    last_seen_at = models.DateTimeField(default=now)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True, default="")
    closing_reason = models.TextField(blank=True, default="")

    objects = EnvironmentManager.from_queryset(CaseQuerySet)()

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "kind", "object_id", "account_id_at_stripe"],
                condition=Q(status__in=("open", "accepted")),
                name="one_undecided_case_an_object",
            ),
            models.CheckConstraint(
                condition=Q(status="open", closed_at__isnull=True) | (~Q(status="open") & Q(closed_at__isnull=False)),
                name="case_is_closed_when_decided",
            ),
            models.CheckConstraint(condition=Q(at_stake_minor__gte=0), name="case_at_stake_is_not_negative"),
        ]
        indexes = [
            models.Index(fields=["environment", "-opened_at", "-id"], name="case_newest"),
            models.Index(fields=["environment", "account", "kind"], condition=Q(status="open"), name="case_open"),
            models.Index(fields=["last_run", "type"], name="case_of_run"),
            models.Index(fields=["object_id"], name="case_object"),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display().lower()}: {self.object_id}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def facts(self) -> dict[str, Any]:
        """What a person decides on: what differs, both sides of it, what would end it, and the money at stake."""
        told = (self.type, self.summary, self.here, self.there, self.proposal, self.at_stake_minor, self.currency)
        return dict(zip(("type", "summary", "here", "there", "proposal", "at_stake_minor", "currency"), told, strict=True))

    def says_the_same_as(self, difference_type: str, *, here: dict[str, Any], there: dict[str, Any]) -> bool:
        """Whether nothing of it has changed since somebody looked at it."""
        return (self.type, self.here, self.there) == (difference_type, here, there)

    def close(self, status: "Case.Status", *, at: datetime, by: str, reason: str) -> bool:
        """Ends the case, unless somebody else has ended it meanwhile; whether it did."""
        closed = Case.objects.open().filter(pk=self.pk).update(status=status, closed_at=at, closed_by=by, closing_reason=reason)
        self.refresh_from_db()
        return closed == 1
