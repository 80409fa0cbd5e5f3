"""Requesting a refund, whole or in part."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.models import ConnectedAccount
from accounts.operations import keep_account_open
from commercecore_payments.actors import Actor
from gateway.endings import bring_to_an_end
from gateway.errors import OperationInProgress, OutcomeUnknown
from gateway.models import Kind, Operation, new_operation_id
from gateway.operations import (
    OPERATION_METADATA_KEY,
    earlier_under_key,
    finish,
    leave_the_database,
    raise_for_outcome,
    recorded_outcome,
    reserve,
)
from gateway.outcomes import Outcome
from refunds.dry_runs import RefundPreview
from refunds.errors import NothingLeftToRefund, NotRefundable, RefundExceedsPayment, RefundRefused, RestHasChanged
from refunds.models import Refund, Status
from refunds.operations.second_person import refuse_alone
from refunds.operations.settle import REFUND, settle_refund
from transactions.errors import TransactionNotFound
from transactions.models import Transaction
from transactions.operations import find_transaction, foreseen, refresh_transaction
from transactions.operations.settle import open_operation

# Seconds that a caller waits for an equal refund of another request. Stripe answers most calls within two; a caller's own
# patience ends soon after ten, and a thread of ours is not to be held for longer.
WAIT_S = 10.0
# Seconds between two looks at it: a tenth of what a call to Stripe takes at the least.
POLL_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What is to go back of a payment: `amount_minor` minor units, or all that is left where it is None.

    `approved`: a second person on the staff has agreed to it, as a larger refund of the staff needs. `expected_rest_minor`: what
    could still be refunded when it was decided, in minor units; where it is another by now, nothing is refunded.
    """

    payment: Transaction
    amount_minor: int | None = None
    reason: str = ""
    refund_application_fee: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    approved: bool = False
    expected_rest_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a request comes to: an equal refund whose outcome is not known, or a new one of so many minor units."""

    equal: Operation | None = None
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Reserved:
    """A refund that Stripe may be asked for: a new one, or an equal one of another request, whose outcome is not known."""

    operation: Operation
    is_new: bool


def find_payment_of_order(*, order_id: str, account: ConnectedAccount, actor: Actor, dry_run: bool = False) -> Transaction:
    """The payment of an order that a refund is about: the one that holds the order, else the newest.

    Its state is read from Stripe unless it is final here: a challenge may have been passed meanwhile. In a dry run it is not
    written down. Raises TransactionNotFound where the app has none for this order at this account.
    """
    of_order = Transaction.objects.of(actor.known_app()).at(account).for_order(order_id).select_related("account")
    payment = of_order.holding_the_order().first() or of_order.exclude(stripe_payment_intent_id="").first()
    if payment is None:
        raise TransactionNotFound("This order has no transaction at this account.")
    return foreseen(payment) if dry_run else up_to_date(payment)


def find_payment(*, transaction_id: str, account: ConnectedAccount, actor: Actor, dry_run: bool = False) -> Transaction:
    """The payment that a refund names, one that was made past this service too, read from Stripe unless it is final here.

    In a dry run what was read is not written down. Raises TransactionNotFound where the app has none of this id at this account.
    """
    payment = find_transaction(transaction_id=transaction_id, actor=actor)
    if payment.account != account:
        raise TransactionNotFound
    return foreseen(payment) if dry_run else up_to_date(payment)


def up_to_date(payment: Transaction) -> Transaction:
    """The payment, read from Stripe unless it is final here. Raises what `gateway.reads` raises."""
    if payment.may_still_change:
        refresh_transaction(payment)
    return payment


def request_refund(request: RefundRequest, *, actor: Actor) -> Refund:
    """Refunds a payment, the whole of what is left or a part.

    A refund equal to one whose outcome is not known is answered with that one: waited for while it is under way, and
    else brought to its end. Raises NotRefundable, NothingLeftToRefund, RefundExceedsPayment, RestHasChanged,
    RefundRefused, OperationInProgress, what `refunds.operations.second_person.refuse_alone` raises, and what
    `gateway.operations.raise_for_outcome` raises.
    """
    earlier = earlier_under_key(Kind.REFUND_CREATE, actor=actor)
    if earlier is not None:
        return finish_refund(Reserved(earlier, is_new=False))
    with transaction.atomic(durable=True):
        reserved = reserve_refund(request, actor=actor)
    return finish_refund(reserved)


def preview_refund(request: RefundRequest, *, actor: Actor) -> RefundPreview:
    """What `request_refund` would do, by the same checks, of a payment that was found for a dry run. Nothing is written or sent.

    Raises as `request_refund` before anything is sent, and OperationInProgress where it would be answered with an equal refund
    whose outcome is not known.
    """
    payment = request.payment
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        decision = _decide(request, payment, actor=actor)
        left_minor = refundable_minor(payment) - decision.amount_minor
    if decision.equal is not None:
        raise OperationInProgress
    fee_minor = application_fee_share_minor(payment, decision.amount_minor) if request.refund_application_fee else 0
    return RefundPreview(payment, decision.amount_minor, left_minor, fee_minor)


def finish_refund(reserved: Reserved) -> Refund:
    """Asks Stripe for what was reserved, or waits for the equal one. Raises as `request_refund` after the reservation."""
    operation = reserved.operation
    outcome = finish(operation, settle_refund) if reserved.is_new else _outcome_of_earlier(operation)
    raise_for_outcome(operation, outcome, refusal=RefundRefused)
    return Refund.objects.select_related("transaction__account").get(pk=operation.subject_id)


def _outcome_of_earlier(operation: Operation) -> Outcome:
    """What came of an earlier request's refund, which is ended here where nobody else is at it.

    Whoever waited for it is told what its own caller is told, an unknown outcome too: nobody sends it again at once.
    """
    waited = _wait_while_under_way(operation)
    if not operation.is_open:
        return recorded_outcome(operation)
    if waited:
        raise OutcomeUnknown(operation.pk)
    return bring_to_an_end(operation, REFUND)


def _wait_while_under_way(operation: Operation) -> bool:
    """Waits without a database connection until the refund's call has ended; whether there was anything to wait for.

    Raises OperationInProgress where it takes longer than WAIT_S.
    """
    give_up_at = time.monotonic() + WAIT_S
    waited = False
    while operation.may_still_be_under_way():
        if time.monotonic() >= give_up_at:
            raise OperationInProgress
        leave_the_database()
        time.sleep(POLL_INTERVAL_S)
        waited = True
        operation.refresh_from_db()
    return waited


def reserve_refund(request: RefundRequest, *, actor: Actor) -> Reserved:
    """Sets the refund's part of the payment aside before Stripe is asked, or finds the equal one. Call it in a transaction.

    The payment is locked first and the refunds are summed in a statement of their own: one statement that did both
    would sum what it saw before it waited for the lock. Callers at the same moment wait for the lock one after another.
    Raises as `request_refund` before anything is sent.
    """
    keep_account_open(request.payment.account)
    locked = Transaction.objects.select_for_update().get(pk=request.payment.pk)
    decision = _decide(request, locked, actor=actor)
    if decision.equal is not None:
        return Reserved(decision.equal, is_new=False)
    return Reserved(_reserve(request, locked, decision.amount_minor, actor=actor), is_new=True)


def _decide(request: RefundRequest, payment: Transaction, *, actor: Actor) -> Decision:
    """Everything that is judged before a refund is made, in a dry run too. Raises as `request_refund` before anything is sent."""
    if request.expected_rest_minor is not None and request.expected_rest_minor != refundable_minor(payment):
        raise RestHasChanged
    # With a key of its own a request is another one, however equal.
    equal = _equal_unfinished(request, payment) if actor.idempotency_key is None else None
    if equal is not None:
        return Decision(equal=equal)
    amount_minor = _amount_to_refund(payment, asked_minor=request.amount_minor)
    if actor.operator and not request.approved:
        refuse_alone(payment, amount_minor)
    return Decision(amount_minor=amount_minor)


def _equal_unfinished(request: RefundRequest, payment: Transaction) -> Operation | None:
    """The equal refund whose outcome is not known: of the same amount, or of all that was left.

    One that is under way right now is it as well: whoever means two waits for the first, and whoever was cut off does
    not refund twice.
    """
    unfinished = Refund.objects.of(payment).filter(status=Status.CREATING)
    same = unfinished.filter(refund_application_fee=request.refund_application_fee)
    if request.amount_minor is not None:
        same = same.filter(amount_minor=request.amount_minor)
    elif refundable_minor(payment) > 0:
        return None
    return next((operation for refund in same for operation in Operation.objects.of(refund).open()), None)


def _reserve(request: RefundRequest, payment: Transaction, amount_minor: int, *, actor: Actor) -> Operation:
    refund = Refund.objects.create(
        developer=actor.developer,
        app=actor.app if actor.operator else actor.known_app(),  # the staff refunds what was paid past every app, too
        transaction=payment,
        account_id=payment.account_id,
        user_id=actor.user_id,
        operator=actor.operator,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=request.reason,
        refund_application_fee=request.refund_application_fee,
        metadata=dict(request.metadata),
    )
    operation_id = new_operation_id()
    return reserve(
        Kind.REFUND_CREATE,
        subject=refund,
        actor=actor,
        parameters=_refund_parameters(refund, operation_id=operation_id),
        stripe_account=request.payment.account.stripe_account_id,
        operation_id=operation_id,
    )


def _amount_to_refund(payment: Transaction, *, asked_minor: int | None) -> int:
    """The amount in minor units. Raises NotRefundable, NothingLeftToRefund, RefundExceedsPayment, OperationInProgress."""
    if payment.amount_received_minor == 0:
        if open_operation(payment) is not None:  # it may be paid already
            raise OperationInProgress
        raise NotRefundable
    rest = refundable_minor(payment)
    if rest <= 0:
        raise NothingLeftToRefund
    if asked_minor is not None and asked_minor > rest:
        raise RefundExceedsPayment(refundable_minor=rest, currency=payment.currency)
    return rest if asked_minor is None else asked_minor


def refundable_minor(payment: Transaction) -> int:
    """What is left, in minor units. Pending and unknown refunds count as refunded: their money may be on its way."""
    return payment.amount_received_minor - Refund.objects.of(payment).taking_money().total_minor()


def application_fee_share_minor(payment: Transaction, amount_minor: int) -> int:
    """What goes back of the platform's fee with a refund of `amount_minor`, if it is given back: its share, in minor units.

    Stripe says that it is proportional, and not how it is rounded; here half a unit is rounded up, as in the sandbox.
    """
    received_minor = payment.amount_received_minor
    return (2 * payment.application_fee_minor * amount_minor + received_minor) // (2 * received_minor)


def _refund_parameters(refund: Refund, *, operation_id: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "payment_intent": refund.transaction.stripe_payment_intent_id,
        "amount": refund.amount_minor,
        "metadata": {**refund.metadata, OPERATION_METADATA_KEY: operation_id},
    }
    if refund.reason:
        parameters["reason"] = refund.reason
    if refund.refund_application_fee:  # without it Stripe leaves the fee where it is
        parameters["refund_application_fee"] = True
    return parameters
