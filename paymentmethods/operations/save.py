"""Saving a payment method for a user."""

from typing import Any

from django.db import transaction

from commercecore_payments.actors import Actor
from gateway import reads
from gateway.endings import Ending, carry_out, not_found
from gateway.errors import OperationInProgress
from gateway.models import Kind, Operation, new_operation_id
from gateway.models import Status as OperationStatus
from gateway.operations import OPERATION_METADATA_KEY, earlier_under_key, raise_for_outcome, reserve
from gateway.outcomes import Fault, Outcome
from gateway.snapshots import SetupIntentSnapshot
from paymentmethods.errors import PaymentMethodDeclined, PaymentMethodRefused
from paymentmethods.models import STATUS_OF_SETUP, Customer, PaymentMethod, Status
from paymentmethods.operations.customer import ensure_customer
from paymentmethods.operations.saved import look_again, raise_if_declined


def save_payment_method(
    *, payment_method_id: str, preferred: bool | None, actor: Actor
) -> tuple[PaymentMethod, SetupIntentSnapshot | None]:
    """Saves a payment method for the actor's user, to be used off session too.

    One that is saved already is handed back; one that waited for a challenge is looked at again. A repeat while the
    first outcome is unknown continues the first. `preferred` says whether it is to be the user's preferred one; None
    leaves that as it is. The setup intent is None where Stripe was not asked. Raises PaymentMethodDeclined,
    PaymentMethodRefused, OperationInProgress, and what `gateway.operations.raise_for_outcome` raises.
    """
    earlier = earlier_under_key(Kind.SETUP_INTENT_CREATE, actor=actor)
    customer = ensure_customer(actor)
    if earlier is None:
        known = _known(customer, payment_method_id)
        if known is not None:
            return _hand_back(known, preferred=preferred)
        earlier = _unfinished_setup(customer, payment_method_id)

    def reserve_new() -> Operation:
        """Keeps the wish to save the card before Stripe is asked."""
        return _reserve_setup(customer, payment_method_id, preferred=preferred, actor=actor)

    return _answer(*carry_out(earlier, reserve_new, SETUP))


def _known(customer: Customer, payment_method_id: str) -> PaymentMethod | None:
    """The customer's own row of a payment method that is saved, waits for its challenge, or is being detached."""
    rows = PaymentMethod.objects.filter(customer=customer, stripe_payment_method_id=payment_method_id)
    return rows.not_over().select_related("customer").first()


def _hand_back(method: PaymentMethod, *, preferred: bool | None) -> tuple[PaymentMethod, SetupIntentSnapshot | None]:
    """A known card, and whether it is to be the preferred one now. Raises OperationInProgress while it is being detached."""
    if method.status == Status.DETACHING:
        raise OperationInProgress
    current, setup = look_again(method, preferred=preferred)
    raise_if_declined(current)
    return current, setup


def _answer(operation: Operation, outcome: Outcome) -> tuple[PaymentMethod, SetupIntentSnapshot | None]:
    """What came of the setup. Its secrets are read anew where an earlier request had them."""
    if outcome.status == OperationStatus.DECLINED and outcome.fault is not None:
        raise PaymentMethodDeclined(outcome.fault)
    raise_for_outcome(operation, outcome, refusal=PaymentMethodRefused)
    method = PaymentMethod.objects.select_related("customer").get(pk=operation.subject_id)
    if isinstance(outcome.value, SetupIntentSnapshot):
        return method, outcome.value
    current, setup = look_again(method, preferred=None)
    raise_if_declined(current)
    return current, setup


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
    method.refresh_from_db()
    if outcome.succeeded and isinstance(outcome.value, SetupIntentSnapshot):
        method.apply(outcome.value)
    elif outcome.fault is not None:
        method.mark_failed(code=outcome.fault.code, decline_code=outcome.fault.decline_code, message=outcome.fault.message)


def _look(operation: Operation) -> Outcome:
    """A setup intent without a saved card was declined. One that is not found proves nothing."""
    found = reads.find_setup_intent(operation)
    if found is None:
        return not_found("No setup intent of the customer names this operation.")
    if found.status in STATUS_OF_SETUP:
        return Outcome(status=OperationStatus.SUCCEEDED, value=found)
    error = found.last_setup_error
    fault = Fault(message=error.message, code=error.code, decline_code=error.decline_code)
    return Outcome(status=OperationStatus.DECLINED, value=found, fault=fault)


SETUP = Ending(settle=settle_setup, look=_look)
