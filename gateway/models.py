"""Operation: every write to Stripe, recorded before it is sent."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import stripe
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from commercecore_payments.clock import database_now, elapsed_s, now
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from commercecore_payments.identifiers import new_identifier
from commercecore_payments.indexes import prefix_index
from commercecore_payments.statements import ByClock, update


class Kind(models.TextChoices):
    """What is asked of Stripe. gateway/calls.py holds the call of each."""

    ACCOUNT_CREATE = "account.create"
    ACCOUNT_DELETE = "account.delete"
    CUSTOMER_CREATE = "customer.create"
    SETUP_INTENT_CREATE = "setup_intent.create"
    PAYMENT_METHOD_CLONE = "payment_method.clone"
    PAYMENT_METHOD_DETACH = "payment_method.detach"
    PAYMENT_INTENT_CREATE = "payment_intent.create"
    PAYMENT_INTENT_UPDATE = "payment_intent.update"
    PAYMENT_INTENT_CONFIRM = "payment_intent.confirm"
    PAYMENT_INTENT_CAPTURE = "payment_intent.capture"
    PAYMENT_INTENT_CANCEL = "payment_intent.cancel"
    REFUND_CREATE = "refund.create"


class Status(models.TextChoices):
    """Open until Stripe's final word is known; unknown is never written down as failed."""

    SENDING = "sending"  # on its way; a process that died leaves it here
    UNKNOWN = "unknown"  # sent, and no answer that proves what came of it
    NEEDS_REVIEW = "needs_review"  # still unknown after all that recovery may do: a person has to decide
    SUCCEEDED = "succeeded"
    DECLINED = "declined"  # final: the buyer's card
    REJECTED = "rejected"  # final: a bad request, at its first sending
    NOT_SENT = "not_sent"  # final: the connection was refused before a byte left


# What needs a review keeps all that it has reserved, like everything whose outcome is unknown.
OPEN_STATUSES = (Status.SENDING, Status.UNKNOWN, Status.NEEDS_REVIEW)
# Those that recovery works on.
RECOVERABLE_STATUSES = (Status.SENDING, Status.UNKNOWN)

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
# For how long Stripe may work on a request whose answer did not come: its own libraries give up after 80 s
# (stripe-python, _http_client.py), and what took longer was given up there as well. A look may say "not done" only then.
STRIPE_WORKS_FOR = max(timedelta(seconds=90), CALL_BUDGET)
# What Stripe, or something before it, answers with 4xx while the request may still be carried out: it timed out on its way,
# another one under the same key is in progress, the object is locked; or our own key is refused, which says nothing of what
# was sent with it before.
NO_LAST_WORD = (401, 403, 408, 409, 429)
# Between its reservation and its sending an operation waits for nothing. A process that was held up for longer, as on a
# machine that was suspended, does not send any more: the 5 s left in CALL_BUDGET are used up, and others may take over.
LONGEST_DELAY_BEFORE_SENDING_S = 5.0

# How old an operation without a known outcome is when recovery takes it up: first when the call that was under way has
# ended in any case, then ever more rarely, so that a Stripe that is down for hours is not asked for nothing. The last one
# before a day is over still lies within RESEND_WINDOW.
RECOVERY_AGES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=20),
)
# Afterwards daily: an hour early, so that what is looked at only then is decided before the day is over.
RECOVERY_INTERVAL = timedelta(hours=23)


# What Stripe answered, as it is written down.
ANSWER_FIELDS = (
    "result_id",
    "http_status",
    "stripe_request_id",
    "error_type",
    "error_code",
    "decline_code",
    "error_param",
    "error_message",
)


def recovery_due_after(created_at: datetime, moment: datetime) -> datetime:
    """When an operation of `created_at` that is still open at `moment` is taken up again."""
    age = moment - created_at
    for scheduled in RECOVERY_AGES:
        if age < scheduled:
            return created_at + scheduled
    days = (age - RECOVERY_AGES[-1]) // RECOVERY_INTERVAL + 1
    return created_at + RECOVERY_AGES[-1] + days * RECOVERY_INTERVAL


def new_operation_id() -> str:
    return new_identifier("op")


class OperationQuerySet(models.QuerySet["Operation"]):
    def open(self) -> Self:
        return self.filter(status__in=OPEN_STATUSES)

    def needing_review(self) -> Self:
        return self.filter(status=Status.NEEDS_REVIEW)

    def due_for_recovery(self, moment: datetime) -> Self:
        """Those that recovery takes up now, the longest due first.

        Those without a time come from a program of an earlier version, which runs beside this one during a deployment.
        """
        is_due = Q(next_recovery_at__isnull=True, created_at__lte=moment - RECOVERY_AGES[0]) | Q(next_recovery_at__lte=moment)
        due = self.filter(is_due, status__in=RECOVERABLE_STATUSES)
        return due.order_by(F("next_recovery_at").asc(nulls_first=True), "id")

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
    operator = models.CharField(
        max_length=150, blank=True, default="", db_default="", help_text="Whoever on the staff asked for it, by username."
    )
    caller_key = models.ForeignKey(
        "idempotency.IdempotencyKey",
        models.SET_NULL,
        related_name="operations",
        null=True,
        blank=True,
        help_text="The caller's Idempotency-Key, where one was sent.",
    )

    # The times that one process writes and another compares are the database's.
    created_at = models.DateTimeField(default=now)
    attempts = models.PositiveIntegerField(default=1, help_text="How often it was sent; also the fencing token.")
    last_sent_at = models.DateTimeField(default=now)
    closed_at = models.DateTimeField(null=True, blank=True)
    next_recovery_at = models.DateTimeField(null=True, blank=True, help_text="When recovery takes it up, while it is open.")
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it is only looked at: its caller has asked for something else."
    )
    fruitless_looks = models.PositiveSmallIntegerField(default=0, help_text="How often Stripe was asked, and did not show it.")

    result_id = models.CharField(max_length=255, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    stripe_request_id = models.CharField(max_length=255, blank=True)
    error_type = models.CharField(max_length=255, blank=True)
    error_code = models.CharField(max_length=255, blank=True)
    decline_code = models.CharField(max_length=255, blank=True)
    error_param = models.CharField(max_length=255, blank=True)
    error_message = models.TextField(blank=True)

    objects = EnvironmentManager.from_queryset(OperationQuerySet)()

    # When this process took it for sending, by `elapsed_s`; None where it did not.
    taken_at_s: float | None = None
    # The record that it is about, as this process reserved it: read by nobody else since, unless its version has moved on.
    subject: models.Model | None = None

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
            models.Index(
                fields=["environment", "next_recovery_at", "id"],
                condition=Q(status__in=RECOVERABLE_STATUSES),
                name="operation_due_for_recovery",
            ),
            # What operators search by, and what they filter their list by.
            prefix_index("stripe_account", "operation_account_prefix"),
            prefix_index("target_id", "operation_target_prefix"),
            prefix_index("result_id", "operation_result_prefix"),
            prefix_index("stripe_request_id", "operation_stripe_req_prefix"),
            prefix_index("request_id", "operation_request_prefix"),
            prefix_index("user_id", "operation_user_prefix"),
            models.Index(fields=["environment", "status", "-created_at", "-id"], name="operation_status_newest"),
            models.Index(fields=["environment", "kind", "-created_at", "-id"], name="operation_kind_newest"),
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

    @property
    def tells_what_stripe_said(self) -> bool:
        """Whether it is closed with Stripe's own word on what was asked.

        It is not where nothing was sent, where nothing was found, or where Stripe refused our key (401, 403): that is mended
        without the caller, who may then ask for the same again.
        """
        if self.status == Status.REJECTED:
            return self.http_status not in (None, 401, 403)
        return self.status in (Status.SUCCEEDED, Status.DECLINED)

    @property
    def _resend_window(self) -> timedelta:
        return CONFIRM_RESEND_WINDOW if self.kind == Kind.PAYMENT_INTENT_CONFIRM else RESEND_WINDOW

    def may_be_sent_again(self) -> bool:
        """Whether the same bytes under the same key are still safe.

        After a 500 they are not: Stripe keeps that answer under its key and would only replay it. Within its window
        everything else either executes for the first time or replays what the first sending did. A deletion has no
        key, and can be asked for again after a 500 too. What was withdrawn is only looked at.
        """
        if self.status not in RECOVERABLE_STATUSES or self.withdrawn_at is not None:
            return False
        is_replayed = self.http_status == 500 and self.kind != Kind.ACCOUNT_DELETE
        return not is_replayed and database_now() - self.created_at < self._resend_window

    def take_for_sending(self) -> None:
        """From now on this process has LONGEST_DELAY_BEFORE_SENDING_S to send it."""
        self.taken_at_s = elapsed_s()

    def is_too_late_to_send(self) -> bool:
        """Whether this process was held up since it took the operation, so that another may have taken it over."""
        return self.taken_at_s is not None and elapsed_s() - self.taken_at_s > LONGEST_DELAY_BEFORE_SENDING_S

    def may_still_be_under_way(self) -> bool:
        """Whether the process that sent it may still be waiting for Stripe's answer."""
        return self.status == Status.SENDING and database_now() - self.last_sent_at <= CALL_BUDGET

    def may_still_take_effect(self) -> bool:
        """Whether Stripe may still be at work on it: it gave no last word, and the last sending is not long ago."""
        return not self._has_last_word and database_now() - self.last_sent_at <= STRIPE_WORKS_FOR

    @property
    def _has_last_word(self) -> bool:
        """Whether Stripe refused it, or failed with a 500. Other 5xx come from what lies before Stripe."""
        status = self.http_status
        return status is not None and status <= 500 and status not in NO_LAST_WORD

    def claim_for_resending(self) -> bool:
        """Takes this open operation for one more sending; False where another process holds it or settled it.

        One guarded UPDATE decides, so of any number of callers one sends.
        """
        moment = database_now()
        idle = Q(status=Status.UNKNOWN) | Q(status=Status.SENDING, last_sent_at__lt=moment - CALL_BUDGET)
        in_time = Q(created_at__gt=moment - self._resend_window)
        claimed = Operation.objects.filter(idle, in_time, pk=self.pk, withdrawn_at=None).update(
            # What was answered before says nothing about this sending.
            status=Status.SENDING,
            attempts=F("attempts") + 1,
            last_sent_at=moment,
            http_status=None,
        )
        self.refresh_from_db()
        self.take_for_sending()
        return claimed == 1

    def withdraw(self) -> None:
        """Its caller wishes otherwise by now: what was sent may take effect still, and nothing is sent again."""
        Operation.objects.filter(pk=self.pk, status__in=OPEN_STATUSES, withdrawn_at=None).update(withdrawn_at=database_now())
        self.refresh_from_db()

    def mark_unknown(self) -> None:
        """Sent, and nobody knows what came of it. What waits for a person goes on to wait."""
        if self.status != Status.NEEDS_REVIEW:
            self.status = Status.UNKNOWN
        self.save()

    def close_unless_followed(self, status: Status) -> bool:
        """Writes down the final word of this attempt, with what `record_answer` noted; False where it may not be the last one.

        That is where it is closed, another attempt has followed, or somebody is looking at it at this very moment.
        """
        answer = {name: getattr(self, name) for name in ANSWER_FIELDS}
        final = {"status": status, "closed_at": ByClock(), "next_recovery_at": None}
        guard = {"status": Status.SENDING, "attempts": self.attempts}
        return update(Operation, self.pk, {**answer, **final}, guard=guard, unless_locked=True)

    def close(self, status: Status, *, at: datetime) -> None:
        """Writes down the final word, with what `record_answer` noted before."""
        self.status = status
        self.closed_at = at
        self.next_recovery_at = None
        self.save()


class RecoveryAttempt(models.Model):
    """One thing that recovery tried with an operation, and what it brought: what a reviewer reads first. Append-only."""

    class Act(models.TextChoices):
        SENT_AGAIN = "sent_again"  # the same bytes under the same key
        LOOKED = "looked"  # read from Stripe, nothing sent
        PARKED = "parked"  # left to a person
        REVIEWED = "reviewed"  # decided by a person

    operation = models.ForeignKey(Operation, models.CASCADE, related_name="recovery_attempts")
    created_at = models.DateTimeField(default=now)
    act = models.CharField(max_length=16, choices=Act)
    result = models.CharField(max_length=16, choices=Status, help_text="The operation's status afterwards.")
    message = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.operation_id}: {self.act}"


def exact_json(parameters: Mapping[str, Any]) -> str:
    """`parameters` as the text that is stored and sent from, in their own order."""
    return json.dumps(parameters, ensure_ascii=False, separators=(",", ":"))
