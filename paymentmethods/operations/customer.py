"""The customer at Stripe on which a user's payment methods hang."""

from django.db import IntegrityError, transaction

from commercecore_payments.actors import Actor
from gateway import reads
from gateway.endings import Ending, bring_to_an_end, carry_out, not_done
from gateway.errors import OperationInProgress
from gateway.models import Kind, Operation, new_operation_id
from gateway.models import Status as OperationStatus
from gateway.operations import OPERATION_METADATA_KEY, earlier_under_key, raise_for_outcome, reserve
from gateway.outcomes import Outcome
from gateway.snapshots import CustomerSnapshot
from paymentmethods.models import Customer


def ensure_customer(actor: Actor) -> Customer:
    """The customer of the actor's user, made at Stripe the first time it is needed.

    One whose making has no known outcome is brought to its end first. Raises OperationInProgress, and what
    `gateway.operations.raise_for_outcome` raises.
    """
    known = Customer.objects.filter(developer=actor.developer, user_id=actor.user_id).first()
    if known is not None and not known.stripe_customer_id:
        _end_unfinished(known)
        known.refresh_from_db()
    if known is not None and known.stripe_customer_id:
        return known
    earlier = earlier_under_key(Kind.CUSTOMER_CREATE, actor=actor)
    operation, outcome = carry_out(earlier, lambda: _reserve_customer(actor), CUSTOMER)
    raise_for_outcome(operation, outcome)
    return Customer.objects.get(pk=operation.subject_id)


def _end_unfinished(customer: Customer) -> None:
    """Ends the making of the customer that an earlier request left open. What was refused then may be tried anew.

    Raises OutcomeUnknown where it is still not known.
    """
    unfinished = Operation.objects.of(customer).open().first()
    if unfinished is None:
        return
    outcome = bring_to_an_end(unfinished, CUSTOMER)
    if outcome.status == OperationStatus.UNKNOWN:
        raise_for_outcome(unfinished, outcome)


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


def settle_customer(operation: Operation, outcome: Outcome) -> None:
    """The customer is known by Stripe's id from now on; one that was not made may be made again."""
    if not isinstance(outcome.value, CustomerSnapshot):
        return
    customer = Customer.objects.select_for_update().get(pk=operation.subject_id)
    if not customer.stripe_customer_id:  # a late answer about one that was made anew meanwhile changes nothing
        customer.mark_created(outcome.value.id)


def _look(operation: Operation) -> Outcome:
    """One that cannot be found is made anew: an empty customer that is left over at Stripe holds nothing."""
    found = reads.find_customer(operation)
    if found is None:
        return not_done("The customer was not found, and is made anew.")
    return Outcome(status=OperationStatus.SUCCEEDED, value=found)


CUSTOMER = Ending(settle=settle_customer, look=_look)
