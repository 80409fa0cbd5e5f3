"""Creating the payment of an order, at most once an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from django.db import IntegrityError, transaction

from accounts.models import ConnectedAccount
from accounts.operations import keep_account_open, while_open
from commercecore_payments.actors import Actor
from commercecore_payments.instances import new_row
from commercecore_payments.money import amount_problem
from gateway.errors import OperationInProgress
from gateway.models import Kind, Operation, new_operation_id
from gateway.operations import OPERATION_METADATA_KEY, finish, raise_for_outcome, reserve, reserve_with_subject
from gateway.outcomes import Outcome
from gateway.snapshots import PaymentIntentSnapshot
from idempotency.errors import KeyInUse
from transactions.errors import AmountInvalid, ApplicationFeeInvalid, OrderTaken
from transactions.models import CaptureMethod, Transaction
from transactions.operations.read import refresh_transaction, reread_for_secret
from transactions.operations.settle import end_open_without_charging, open_operation, settle_payment_intent, told_under_key

ORDER_METADATA_KEY = "commercecore_order"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a buyer is to pay for one order: `amount_minor` in minor units of `currency`, captured at once or only held.

    `application_fee_minor` of it is the platform's share.
    """

    order_id: str
    account: ConnectedAccount
    amount_minor: int
    currency: str
    return_url: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    capture_method: str = CaptureMethod.AUTOMATIC
    application_fee_minor: int = 0
    statement_descriptor_suffix: str = ""


def create_transaction(request: PaymentRequest, *, actor: Actor) -> tuple[Transaction, PaymentIntentSnapshot | None]:
    """Creates the payment intent that pays an order, or hands back the one that already waits for its buyer.

    The intent is None where a repeat is answered after the account was deleted.

    Raises AmountInvalid, ApplicationFeeInvalid, OrderTaken, and what `gateway.operations.raise_for_outcome` raises.
    """
    _refuse_bad_amounts(request)
    told = told_under_key(Kind.PAYMENT_INTENT_CREATE, Kind.PAYMENT_INTENT_UPDATE, actor=actor)
    if told is not None:
        return _answer(*told)
    operation = _reserve_creation(request, actor=actor)
    if operation is None:
        existing = _settled_transaction_of_order(request, actor=actor)
        if existing is not None:
            return _hand_back(existing, request, actor=actor)
        operation = _reserve_creation(request, actor=actor)
    if operation is None:  # another request for the same order was first, and is under way
        raise OperationInProgress
    return _answer(operation, finish(operation, settle_payment_intent))


def _refuse_bad_amounts(request: PaymentRequest) -> None:
    problem = amount_problem(request.amount_minor, request.currency)
    if problem:
        raise AmountInvalid(problem)
    if request.application_fee_minor > request.amount_minor:
        raise ApplicationFeeInvalid("The application fee must not be greater than the amount.")


def _settled_transaction_of_order(request: PaymentRequest, *, actor: Actor) -> Transaction | None:
    """The transaction that holds the order, after what was left open about it has been brought to its end."""
    at_account = Transaction.objects.of(actor.known_app()).at(request.account).for_order(request.order_id)
    payment = at_account.holding_the_order().first()
    if payment is None:
        return None
    unfinished = open_operation(payment)
    if unfinished is not None:
        if unfinished.kind == Kind.PAYMENT_INTENT_CONFIRM and _changes(payment, request):
            unfinished.withdraw()  # the buyer is to pay something else by now
        end_open_without_charging(unfinished)  # asking what an order costs must not charge anybody
    payment.refresh_from_db()  # it may have been made, or have failed, since it was read
    return payment if payment.holds_order else None


def _reserve_creation(request: PaymentRequest, *, actor: Actor) -> Operation | None:
    """Takes the order before Stripe is asked; None where another transaction holds it.

    Nobody looks first: most orders are new, and the unique index decides for callers at the same moment too.
    """
    payment = new_row(
        Transaction,
        developer=actor.developer,
        app=actor.known_app(),
        account=request.account,
        user_id=actor.user_id,
        order_id=request.order_id,
        amount_minor=request.amount_minor,
        currency=request.currency,
        return_url=request.return_url,
        metadata=dict(request.metadata),
        capture_method=request.capture_method,
        application_fee_minor=request.application_fee_minor,
        statement_descriptor_suffix=request.statement_descriptor_suffix,
    )
    operation_id = new_operation_id()
    try:
        operation = reserve_with_subject(
            Kind.PAYMENT_INTENT_CREATE,
            subject=payment,
            only_while=while_open(request.account),
            actor=actor,
            parameters=_creation_parameters(payment, operation_id=operation_id),
            stripe_account=request.account.stripe_account_id,
            operation_id=operation_id,
        )
    except IntegrityError:
        return None
    if operation is None:
        _refuse_reservation(request.account)
    return operation


def _refuse_reservation(account: ConnectedAccount) -> NoReturn:
    """Says why nothing was reserved: the account is not open any more, or another attempt has the Idempotency-Key."""
    with transaction.atomic(durable=True):
        keep_account_open(account)
    raise KeyInUse


def _creation_parameters(payment: Transaction, *, operation_id: str) -> dict[str, Any]:
    # Without an address to come back to, the buyer cannot be sent away: Stripe then refuses a confirmation from the
    # server unless methods that redirect are ruled out (docs.stripe.com/api/payment_intents/create).
    methods = {"enabled": True} if payment.return_url else {"enabled": True, "allow_redirects": "never"}
    ours = {ORDER_METADATA_KEY: payment.order_id, OPERATION_METADATA_KEY: operation_id}
    # Stripe captures at once where nothing is said.
    hold = {"capture_method": payment.capture_method} if payment.capture_method == CaptureMethod.MANUAL else {}
    return {
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "automatic_payment_methods": methods,
        "metadata": {**payment.metadata, **ours},
        **hold,
        **({"application_fee_amount": payment.application_fee_minor} if payment.application_fee_minor else {}),
        **_suffix(payment.statement_descriptor_suffix),
    }


def _suffix(text: str) -> dict[str, str]:
    return {"statement_descriptor_suffix": text} if text else {}


def _answer(operation: Operation, outcome: Outcome) -> tuple[Transaction, PaymentIntentSnapshot | None]:
    """The payment as the operation left it. Its client secret is read anew where an earlier attempt had it."""
    raise_for_outcome(operation, outcome)
    known = operation.subject  # up to date where this process has just settled it
    payment = known if isinstance(known, Transaction) else Transaction.objects.get(pk=operation.subject_id)
    intent = outcome.value if isinstance(outcome.value, PaymentIntentSnapshot) else reread_for_secret(payment)
    return payment, intent


def _hand_back(
    payment: Transaction, request: PaymentRequest, *, actor: Actor
) -> tuple[Transaction, PaymentIntentSnapshot | None]:
    """The order's present transaction, where this is the same request again; with its new amount, if that changed."""
    intent = refresh_transaction(payment)
    operation = _reserve_update(payment, request, actor=actor)
    if operation is not None:
        return _answer(operation, finish(operation, settle_payment_intent))
    return payment, intent


def _reserve_update(payment: Transaction, request: PaymentRequest, *, actor: Actor) -> Operation | None:
    """The update that brings the payment intent in step with the request; None where it is already.

    Raises OrderTaken where the request is not the first one again.
    """
    with transaction.atomic(durable=True):
        keep_account_open(payment.account)
        locked = Transaction.objects.select_for_update().get(pk=payment.pk)
        _refuse_another_payment(locked, request, actor=actor)
        locked.change_return_url(request.return_url)
        changes = _changes(locked, request)
        if not changes:
            return None
        return reserve(
            Kind.PAYMENT_INTENT_UPDATE,
            subject=locked,
            actor=actor,
            parameters={"amount": request.amount_minor, "metadata": dict(request.metadata), **changes},
            stripe_account=locked.account.stripe_account_id,
            target_id=locked.stripe_payment_intent_id,
        )


def _changes(payment: Transaction, request: PaymentRequest) -> dict[str, Any]:
    """What the request wants otherwise than it is. An empty text takes a value away at Stripe."""
    changes: dict[str, Any] = {}
    if payment.amount_minor != request.amount_minor:
        changes["amount"] = request.amount_minor
    if not request.metadata.items() <= payment.metadata.items():
        changes["metadata"] = dict(request.metadata)
    if payment.application_fee_minor != request.application_fee_minor:
        changes["application_fee_amount"] = request.application_fee_minor or ""
    if payment.statement_descriptor_suffix != request.statement_descriptor_suffix:
        changes["statement_descriptor_suffix"] = request.statement_descriptor_suffix
    return changes


def _refuse_another_payment(payment: Transaction, request: PaymentRequest, *, actor: Actor) -> None:
    same = payment.answers_the_same_request(
        user_id=actor.user_id,
        currency=request.currency,
        return_url=request.return_url,
        capture_method=request.capture_method,
    )
    if not same:
        # Another user of the app learns that the order is taken, and not by which payment.
        is_own = payment.user_id == actor.user_id
        raise OrderTaken({"transaction_id": payment.stripe_payment_intent_id, "status": payment.status} if is_own else {})
