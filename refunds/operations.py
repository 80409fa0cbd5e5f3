"""What is done with refunds: request one, whole or in part."""

from typing import Any

from django.db import transaction

from accounts.models import ConnectedAccount
from accounts.operations import keep_account_open
from commercecore_payments.actors import Actor
from gateway.models import Kind, Operation, new_operation_id
from gateway.operations import OPERATION_METADATA_KEY, carry_out, raise_for_outcome, reserve
from gateway.outcomes import Outcome
from gateway.snapshots import RefundSnapshot
from refunds.errors import NothingLeftToRefund, NotRefundable, RefundExceedsPayment, RefundRefused
from refunds.models import Refund, Status
from transactions.errors import TransactionNotFound
from transactions.models import Transaction
from transactions.operations import refresh_transaction


def find_payment_of_order(*, order_id: str, account: ConnectedAccount, actor: Actor) -> Transaction:
    """The payment of an order that a refund is about: the one that holds the order, else the newest.

    Its state is read from Stripe unless it is final here: a challenge may have been passed meanwhile. Raises
    TransactionNotFound where the app has none for this order at this account.
    """
    of_order = Transaction.objects.of(actor.known_app()).at(account).for_order(order_id).select_related("account")
    payment = of_order.holding_the_order().first() or of_order.exclude(stripe_payment_intent_id="").first()
    if payment is None:
        raise TransactionNotFound("This order has no transaction at this account.")
    if payment.may_still_change:
        refresh_transaction(payment)
    return payment


def request_refund(*, payment: Transaction, amount_minor: int | None, reason: str, actor: Actor) -> Refund:
    """Refunds a payment: `amount_minor` minor units of it, or all that is left where it is None.

    A refund equal to one whose outcome is not known continues that one. Raises NotRefundable,
    NothingLeftToRefund, RefundExceedsPayment, RefundRefused, and what `gateway.operations.raise_for_outcome` raises.
    """
    unfinished = _unfinished_refund(payment, amount_minor=amount_minor)

    def reserve_new() -> Operation:
        """Sets the refund's part of the payment aside before Stripe is asked."""
        return _reserve_refund(payment, amount_minor=amount_minor, reason=reason, actor=actor)

    operation, outcome = carry_out(unfinished, reserve_new, settle_refund)
    raise_for_outcome(operation, outcome, refusal=RefundRefused)
    return Refund.objects.select_related("transaction__account").get(pk=operation.subject_id)


def _unfinished_refund(payment: Transaction, *, amount_minor: int | None) -> Operation | None:
    """The equal refund whose outcome is not known: of the same amount, or of all that was left.

    One that is under way right now is it as well: whoever means two waits for the first, and whoever was cut off does
    not refund twice.
    """
    same = Refund.objects.of(payment).filter(status=Status.CREATING)
    if amount_minor is not None:
        same = same.filter(amount_minor=amount_minor)
    elif refundable_minor(payment) > 0:
        return None
    return next((operation for refund in same for operation in Operation.objects.of(refund).open()), None)


def _reserve_refund(payment: Transaction, *, amount_minor: int | None, reason: str, actor: Actor) -> Operation:
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        # The payment is locked first and the refunds are summed in a statement of their own: one statement that did
        # both would sum what it saw before it waited for the lock.
        locked = Transaction.objects.select_for_update().get(pk=payment.pk)
        amount = _amount_to_refund(locked, asked_minor=amount_minor)
        refund = Refund.objects.create(
            developer=actor.developer,
            app=actor.known_app(),
            transaction=locked,
            user_id=actor.user_id,
            amount_minor=amount,
            currency=locked.currency,
            reason=reason,
        )
        operation_id = new_operation_id()
        return reserve(
            Kind.REFUND_CREATE,
            subject=refund,
            actor=actor,
            parameters=_refund_parameters(refund, operation_id=operation_id),
            stripe_account=payment.account.stripe_account_id,
            operation_id=operation_id,
        )


def _amount_to_refund(payment: Transaction, *, asked_minor: int | None) -> int:
    """The amount in minor units. Raises NotRefundable, NothingLeftToRefund, RefundExceedsPayment."""
    if payment.amount_received_minor == 0:
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


def _refund_parameters(refund: Refund, *, operation_id: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "payment_intent": refund.transaction.stripe_payment_intent_id,
        "amount": refund.amount_minor,
        "metadata": {OPERATION_METADATA_KEY: operation_id},
    }
    if refund.reason:
        parameters["reason"] = refund.reason
    return parameters


def settle_refund(operation: Operation, outcome: Outcome) -> None:
    """The refund takes over Stripe's answer, and its payment the new sum; the payment is locked first, as always."""
    payment = Transaction.objects.select_for_update().get(refunds=operation.subject_id)
    refund = Refund.objects.get(pk=operation.subject_id)
    if isinstance(outcome.value, RefundSnapshot):
        refund.apply(outcome.value)
    else:
        refund.mark_creation_failed()
    known = Refund.objects.of(payment).taking_money().exclude(status=Status.CREATING)
    succeeded = Refund.objects.of(payment).filter(status=Status.SUCCEEDED)
    payment.mark_refunded(known.total_minor(), of_it_succeeded_minor=succeeded.total_minor())
