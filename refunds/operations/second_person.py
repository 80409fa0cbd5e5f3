"""Refunds of the staff that one person may not decide alone: what waits, and when."""

from datetime import timedelta

from django.conf import settings

from commercecore_payments.clock import now
from refunds.errors import NeedsSecondPerson, RefundIsWaiting
from refunds.models import Refund, RefundApproval
from transactions.models import Transaction

# Several small refunds of one payment within this time count as one: a day is as long as a shift and the next. Our own choice.
COUNTED_FOR = timedelta(hours=24)


def refuse_alone(payment: Transaction, amount_minor: int) -> None:
    """Refuses a refund of the staff that a second person has to approve. Call it with the payment locked.

    That is one with which the staff's refunds of the payment within a day exceed REFUND_APPROVAL_ABOVE_MINOR, in minor units
    of the payment's currency. Raises NeedsSecondPerson, and RefundIsWaiting where one of the payment waits already.
    """
    if RefundApproval.objects.of(payment).waiting().exists():
        raise RefundIsWaiting
    if exceeds_threshold(payment, amount_minor):
        raise NeedsSecondPerson(amount_minor=amount_minor)


def exceeds_threshold(payment: Transaction, amount_minor: int) -> bool:
    """Whether `amount_minor` more of the payment is too much for one person."""
    threshold = settings.REFUND_APPROVAL_ABOVE_MINOR
    if threshold is None:
        return False
    recent = Refund.objects.of(payment).taking_money().by_the_staff_since(now() - COUNTED_FOR)
    return recent.total_minor() + amount_minor > threshold
