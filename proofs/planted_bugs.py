"""Bugs to plant, each as somebody might write it one day; and where the proof is expected to notice.

The product is patched from outside, for as long as a bug is planted, and knows nothing of it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

import stripe  # noqa: TID253 - the classes of its errors
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

import gateway.models
import gateway.operations
import gateway.outcomes
from accounts import deletion
from commercecore_payments import recovery, statements
from commercecore_payments.operation_kinds import ENDINGS
from gateway.endings import Ending
from gateway.models import Operation, Status
from gateway.outcomes import Fault, Outcome
from proofs.hunts import Crash, Hunt, Race, Simulation
from refunds.models import Refund, RefundQuerySet
from refunds.operations import request as refund_requests
from refunds.operations import settle as refund_settlement
from transactions.models import Transaction

Plant = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class PlantedBug:
    """`sentence` tells what goes wrong; `hunts` where it is looked for, in this order and each within its bounds."""

    name: str
    sentence: str
    plant: Plant
    hunts: tuple[Hunt, ...]


def _patched(target: Any, name: str, replacement: Any) -> Plant:
    return lambda: mock.patch.object(target, name, replacement)


def _stored_as_rejected(*errors: type[stripe.StripeError]) -> Plant:
    whole = gateway.outcomes._status_at_first_sending

    def status(error: stripe.StripeError) -> Status:
        return Status.REJECTED if type(error) in errors else whole(error)

    return _patched(gateway.outcomes, "_status_at_first_sending", status)


@contextmanager
def _lock_and_sum_in_one_statement() -> Iterator[None]:
    """The sum is that of the moment at which the statement began, before it waited for its lock."""

    def reserve(request: refund_requests.RefundRequest, *, actor: Any) -> refund_requests.Reserved:
        counted = Refund.objects.filter(pk__in=Refund.objects.of(request.payment).taking_money().values("pk"))
        of_it = counted.order_by().values("transaction").annotate(sum=Sum("amount_minor")).values("sum")
        rows = Transaction.objects.annotate(taken=Coalesce(of_it, 0)).select_for_update(of=("self",))
        locked = rows.get(pk=request.payment.pk)
        amount_minor = refund_requests._amount_to_refund(locked, asked_minor=request.amount_minor)
        return refund_requests.Reserved(refund_requests._reserve(request, locked, amount_minor, actor=actor), is_new=True)

    def rest(payment: Any) -> int:
        return int(payment.amount_received_minor - payment.taken)

    with (
        mock.patch.object(refund_requests, "keep_account_open"),
        mock.patch.object(refund_requests, "reserve_refund", reserve),
        mock.patch.object(refund_requests, "refundable_minor", rest),
    ):
        yield


@contextmanager
def _no_lock() -> Iterator[None]:
    whole = QuerySet.select_for_update

    def unlocked(self: QuerySet[Any], *arguments: Any, **options: Any) -> QuerySet[Any]:
        is_stripes_own = self.model._meta.app_label == "sandbox"
        return whole(self, *arguments, **options) if is_stripes_own else self.all()

    with (
        mock.patch.object(QuerySet, "select_for_update", unlocked),
        mock.patch.object(statements, "for_update", return_value=""),
    ):
        yield


@contextmanager
def _settles_twice() -> Iterator[None]:
    """What is closed is settled again, and each settlement adds to the sum instead of taking it anew."""

    def add(payment: Transaction) -> None:
        newest = Refund.objects.of(payment).order_by("pk").last()
        added = payment.amount_refunded_minor + (newest.amount_minor if newest is not None else 0)
        Transaction.objects.filter(pk=payment.pk).update(amount_refunded_minor=added)

    whole = gateway.operations._may_be_recorded

    def may_be_recorded(stored: Operation, attempt: Operation, outcome: Outcome) -> bool:
        return outcome.succeeded or whole(stored, attempt, outcome)

    with (
        mock.patch.object(refund_settlement, "sum_refunds", add),
        mock.patch.object(gateway.operations, "_may_be_recorded", may_be_recorded),
    ):
        yield


@contextmanager
def _transaction_open_over_the_call() -> Iterator[None]:
    whole = gateway.operations.send

    def send(operation: Operation) -> Outcome:
        with transaction.atomic():
            Operation.objects.select_for_update().get(pk=operation.pk)
            return whole(operation)

    with mock.patch.object(gateway.operations, "send", send), mock.patch.object(gateway.operations, "leave_the_database"):
        yield


def _failed_at_the_first_look(operation: Operation, message: str) -> recovery.Recovered:
    outcome = Outcome(status=Status.REJECTED, fault=Fault(message=message))
    gateway.operations.record(operation, outcome, ENDINGS[operation.kind].settle)
    return recovery.Recovered(operation, recovery.Result.SETTLED, message)


@contextmanager
def _idempotency_key_not_recorded() -> Iterator[None]:
    whole = gateway.operations._new_operation

    def new_operation(*arguments: Any, **options: Any) -> Operation:
        operation = whole(*arguments, **options)
        operation.caller_key_id = None
        return operation

    with mock.patch.object(gateway.operations, "_new_operation", new_operation):
        yield


@contextmanager
def _unknown_amount_is_free() -> Iterator[None]:
    whole = RefundQuerySet.taking_money

    def taking_money(self: RefundQuerySet) -> RefundQuerySet:
        return whole(self).exclude(status="creating")

    with mock.patch.object(RefundQuerySet, "taking_money", taking_money):
        yield


def _failed_unasked(operation: Operation, ending: Ending) -> Outcome:
    outcome = Outcome(status=Status.REJECTED, fault=Fault(message="Nobody answered."))
    gateway.operations.record(operation, outcome, ending.settle)
    return outcome


BUGS: tuple[PlantedBug, ...] = (
    PlantedBug(
        "timeout_stored_as_failure",
        "A call that timed out is written down as failed.",
        _stored_as_rejected(stripe.APIConnectionError),
        (Crash("refund_part"),),
    ),
    PlantedBug(
        "lock_and_sum_in_one_statement",
        "The statement that locks the payment also sums its refunds.",
        _lock_and_sum_in_one_statement,
        (Race("refunds_beyond_the_charge"),),
    ),
    PlantedBug(
        "key_reused_after_a_day",
        "An operation is sent again under a key that Stripe has forgotten.",
        _patched(gateway.models, "RESEND_WINDOW", timedelta(days=7)),
        (Crash("refund_part"),),
    ),
    PlantedBug(
        "new_key_on_retry",
        "Each sending has an idempotency key of its own.",
        _patched(Operation, "idempotency_key", property(lambda self: f"{self.id}-{self.attempts}")),
        (Crash("refund_part"),),
    ),
    PlantedBug(
        "no_lock",
        "No row is locked before its rule is checked.",
        _no_lock,
        (Race("refunds_beyond_the_charge"), Race("refunds_with_lost_answers")),
    ),
    PlantedBug(
        "settlement_not_idempotent",
        "Settling an operation twice counts its refund twice.",
        _settles_twice,
        (Crash("refund_part"),),
    ),
    PlantedBug(
        "confirmation_repeated_an_hour_later",
        "A confirmation is sent again when its buyer has long left.",
        _patched(gateway.models, "CONFIRM_RESEND_WINDOW", timedelta(hours=2)),
        (Crash("confirm"),),
    ),
    PlantedBug(
        "transaction_open_over_the_call",
        "A lock is held while Stripe is waited for.",
        _transaction_open_over_the_call,
        (Crash("create_transaction"),),
    ),
    PlantedBug(
        "not_found_is_failed",
        "Recovery closes what it does not find at its first look.",
        _patched(recovery, "_after_fruitless_look", _failed_at_the_first_look),
        (Crash("refund_part"),),
    ),
    PlantedBug(
        "no_fence",
        "An attempt that another one has followed still tells that nothing was done.",
        _patched(gateway.operations, "_may_be_recorded", lambda stored, *_: stored.is_open),
        (Crash("refund_part"),),
    ),
    PlantedBug(
        "idempotency_key_not_recorded",
        "An operation does not know under which Idempotency-Key it was asked for.",
        _idempotency_key_not_recorded,
        (Crash("refund_part"),),
    ),
    PlantedBug(
        "unknown_amount_is_free",
        "A refund whose outcome is unknown does not count.",
        _unknown_amount_is_free,
        (Race("refunds_with_lost_answers"), Race("refunds_beyond_the_charge")),
    ),
    PlantedBug(
        "server_error_is_a_rejection",
        "Stripe's own failure is taken for a refusal.",
        _stored_as_rejected(stripe.APIError),
        (Simulation(),),
    ),
    PlantedBug(
        "timeout_taken_for_refusal",
        "A call that timed out is taken for one that never left.",
        _patched(gateway.outcomes, "was_refused", lambda _: True),
        (Crash("confirm"),),
    ),
    PlantedBug(
        "recovery_fails_what_it_finds_open",
        "Recovery closes whatever it finds open as failed, and asks nobody.",
        _patched(recovery, "bring_to_an_end", _failed_unasked),
        (Crash("create_transaction"),),
    ),
    PlantedBug(
        "late_effect_taken_for_none",
        "An operation is closed while Stripe may still be at work on it.",
        _patched(Operation, "may_still_take_effect", lambda _: False),
        (Simulation(seeds=60),),
    ),
    PlantedBug(
        "account_deleted_unread",
        "An account is deleted before its payments were read for the last time.",
        _patched(deletion, "refresh_unfinished", lambda _: None),
        (Simulation(),),
    ),
)
