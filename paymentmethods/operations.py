"""What is done with payment methods: save one for a user."""

from typing import Any

from django.db import IntegrityError, transaction

from commercecore_payments.actors import Actor
from gateway import reads
from gateway.errors import OperationInProgress
from gateway.models import Kind, Operation, new_operation_id
from gateway.models import Status as OperationStatus
from gateway.operations import OPERATION_METADATA_KEY, carry_out, raise_for_outcome, record, reserve
from gateway.outcomes import Fault, Outcome
from gateway.snapshots import CustomerSnapshot, SetupIntentSnapshot
from paymentmethods.errors import PaymentMethodDeclined, PaymentMethodRefused
from paymentmethods.models import Customer, PaymentMethod, Status


def save_payment_method(
    *, payment_method_id: str, preferred: bool | None, actor: Actor
) -> tuple[PaymentMethod, SetupIntentSnapshot | None]:
    """Saves a payment method for the actor's user, to be used off session too.

    One that is saved already is handed back; one that waited for a challenge is looked at again. `preferred` says
    whether it is to be the user's preferred one; None leaves that as it is. The setup intent is None where Stripe was
    not asked. Raises PaymentMethodDeclined, PaymentMethodRefused, and what
    `gateway.operations.raise_for_outcome` raises.
    """
    customer = ensure_customer(actor)
    known = _known(customer, payment_method_id)
    if known is not None:
        return _look_again(known, preferred=preferred)
    unfinished = _unfinished_setup(customer, payment_method_id)

    def reserve_new() -> Operation:
        """Keeps the wish to save the card before Stripe is asked."""
        return _reserve_setup(customer, payment_method_id, preferred=preferred, actor=actor)

    operation, outcome = carry_out(unfinished, reserve_new, settle_setup)
    _raise_unless_saved(operation, outcome)
    setup = outcome.value if isinstance(outcome.value, SetupIntentSnapshot) else None
    return PaymentMethod.objects.select_related("customer").get(pk=operation.subject_id), setup


def find_saved_method(*, payment_method_id: str, actor: Actor) -> PaymentMethod | None:
    """The user's own saved card of this id; None where it is none of the user's.

    One that waited for a challenge is looked at again. Raises PaymentMethodDeclined where the challenge failed.
    """
    rows = PaymentMethod.objects.of(actor.developer, actor.user_id).filter(stripe_payment_method_id=payment_method_id)
    method = rows.exclude(status=Status.FAILED).select_related("customer").first()
    if method is not None and method.status != Status.SAVED:
        method, _ = _look_again(method, preferred=None)
    return method if method is not None and method.status == Status.SAVED else None


def _known(customer: Customer, payment_method_id: str) -> PaymentMethod | None:
    """The customer's own row of a payment method that is saved, or waits for its challenge."""
    rows = PaymentMethod.objects.filter(customer=customer, stripe_payment_method_id=payment_method_id)
    return rows.exclude(status=Status.FAILED).select_related("customer").first()


def ensure_customer(actor: Actor) -> Customer:
    """The customer of the actor's user, made at Stripe the first time it is needed."""
    known = Customer.objects.filter(developer=actor.developer, user_id=actor.user_id).first()
    if known is not None and known.stripe_customer_id:
        return known
    unfinished = Operation.objects.of(known).open().first() if known is not None else None
    if unfinished is not None and not unfinished.may_be_sent_again():
        _give_up_customer(unfinished)
        unfinished = None
    operation, outcome = carry_out(unfinished, lambda: _reserve_customer(actor), settle_customer)
    raise_for_outcome(operation, outcome)
    return Customer.objects.get(pk=operation.subject_id)


def _reserve_customer(actor: Actor) -> Operation:
    """Raises OperationInProgress where another request of the same user is making the customer, or has just made it."""
    try:
        with transaction.atomic(durable=True):
            of_user = Customer.objects.select_for_update().filter(developer=actor.developer, user_id=actor.user_id)
            customer = of_user.first() or Customer.objects.create(developer=actor.developer, user_id=actor.user_id)
            if customer.stripe_customer_id:
                raise OperationInProgress
            operation_id = new_operation_id()
            # No name and no address: whom the id stands for is the developer's to know.
            parameters = {
                "metadata": {
                    "developer_id": actor.developer.pk,
                    "user_id": actor.user_id,
                    OPERATION_METADATA_KEY: operation_id,
                }
            }
            return reserve(Kind.CUSTOMER_CREATE, subject=customer, actor=actor, parameters=parameters, operation_id=operation_id)
    except IntegrityError:  # another request of the same user was first, and is under way
        raise OperationInProgress from None


def _give_up_customer(operation: Operation) -> None:
    """A customer that cannot be found may be made anew: an empty one that is left over at Stripe holds nothing."""
    if operation.may_still_take_effect():
        raise OperationInProgress
    fault = Fault(message="The customer was not found, and is made anew.")
    record(operation, Outcome(status=OperationStatus.REJECTED, fault=fault), settle_customer)


def settle_customer(operation: Operation, outcome: Outcome) -> None:
    """The customer is known by Stripe's id from now on; one that was not made may be made again."""
    if isinstance(outcome.value, CustomerSnapshot):
        Customer.objects.select_for_update().get(pk=operation.subject_id).mark_created(outcome.value.id)


def _unfinished_setup(customer: Customer, payment_method_id: str) -> Operation | None:
    waiting = PaymentMethod.objects.filter(customer=customer, given_id=payment_method_id, status=Status.SAVING).first()
    return Operation.objects.of(waiting).open().first() if waiting is not None else None


def _reserve_setup(customer: Customer, payment_method_id: str, *, preferred: bool | None, actor: Actor) -> Operation:
    with transaction.atomic(durable=True):
        locked = Customer.objects.select_for_update().get(pk=customer.pk)
        being_saved = PaymentMethod.objects.filter(customer=locked, given_id=payment_method_id, status=Status.SAVING)
        if being_saved.exists() or _known(locked, payment_method_id) is not None:  # another request was first
            raise OperationInProgress
        method = PaymentMethod.objects.create(
            customer=locked, app=actor.known_app(), given_id=payment_method_id, type="card", wants_preferred=bool(preferred)
        )
        operation_id = new_operation_id()
        return reserve(
            Kind.SETUP_INTENT_CREATE,
            subject=method,
            actor=actor,
            parameters=_setup_parameters(method, operation_id=operation_id),
            operation_id=operation_id,
        )


def _setup_parameters(method: PaymentMethod, *, operation_id: str) -> dict[str, Any]:
    return {
        "customer": method.customer.stripe_customer_id,
        "payment_method": method.given_id,
        "usage": "off_session",
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "expand": ["payment_method"],
        "metadata": {OPERATION_METADATA_KEY: operation_id},
    }


def settle_setup(operation: Operation, outcome: Outcome) -> None:
    """The payment method takes over Stripe's answer; its customer is locked, since one card alone is preferred."""
    method = PaymentMethod.objects.get(pk=operation.subject_id)
    Customer.objects.select_for_update().get(pk=method.customer_id)
    if outcome.succeeded and isinstance(outcome.value, SetupIntentSnapshot):
        method.apply(outcome.value)
    elif outcome.fault is not None:
        method.mark_failed(code=outcome.fault.code, decline_code=outcome.fault.decline_code, message=outcome.fault.message)


def _look_again(method: PaymentMethod, *, preferred: bool | None) -> tuple[PaymentMethod, SetupIntentSnapshot | None]:
    """A known card: whether its challenge was passed meanwhile, and whether it is to be the preferred one now."""
    waiting = method.status != Status.SAVED and method.stripe_setup_intent_id != ""
    setup = reads.retrieve_setup_intent(method.stripe_setup_intent_id) if waiting else None
    with transaction.atomic(durable=True):
        Customer.objects.select_for_update().get(pk=method.customer_id)
        stored = PaymentMethod.objects.select_related("customer").get(pk=method.pk)
        # What was written here while Stripe was asked is newer than the answer, and stays.
        if setup is not None and stored.updated_at == method.updated_at:
            stored.apply(setup)
        if preferred is not None:
            stored.change_preference(preferred)
    if stored.status == Status.FAILED:
        raise PaymentMethodDeclined(Fault(message=stored.error_message, code=stored.error_code, decline_code=stored.decline_code))
    return stored, setup


def _raise_unless_saved(operation: Operation, outcome: Outcome) -> None:
    fault = outcome.fault
    if outcome.status == OperationStatus.DECLINED and fault is not None:
        raise PaymentMethodDeclined(fault)
    raise_for_outcome(operation, outcome, refusal=PaymentMethodRefused)
