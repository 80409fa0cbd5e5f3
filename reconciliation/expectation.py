"""How much there is to compare, for telling how long it will take."""

from accounts.models import ConnectedAccount
from disputes.models import Dispute
from payouts.models import Payout
from reconciliation.running import accounts_of
from reconciliation.scope import Scope
from refunds.models import Refund
from transactions.models import Transaction

# A payment is a payment intent, a charge and a line in the balance; the others are an object and a line.
OBJECTS_A_PAYMENT, OBJECTS_OF_OTHERS = 3, 2


def expected_objects(scope: Scope, *, after: int = 0) -> int:
    """About how many objects Stripe will list, by our own records, of the accounts after the one with this key."""
    accounts = accounts_of(scope).filter(pk__gt=after).values("pk")
    payments = Transaction.objects.filter(account__in=accounts)
    refunds = Refund.objects.filter(transaction__account__in=accounts)
    disputes, payouts = Dispute.objects.filter(account__in=accounts), Payout.objects.filter(account__in=accounts)
    if scope.since is not None:
        payments, refunds = payments.filter(created_at__gte=scope.since), refunds.filter(created_at__gte=scope.since)
    if scope.until is not None:
        payments, refunds = payments.filter(created_at__lt=scope.until), refunds.filter(created_at__lt=scope.until)
    others = refunds.count() + disputes.count() + payouts.count()
    return payments.count() * OBJECTS_A_PAYMENT + others * OBJECTS_OF_OTHERS + ConnectedAccount.objects.active().count()
