"""Finding refunds, and reading their state from Stripe."""

from commercecore_payments.actors import Actor
from gateway import reads
from refunds.errors import RefundNotFound
from refunds.models import Refund
from refunds.operations.settle import take_over


def find_refund(*, refund_id: str, actor: Actor) -> Refund:
    """The app's own refund by its id (`re_…` or `pyr_…`), as it is now.

    It is read from Stripe where it may still change: even one that succeeded may fail later. Raises RefundNotFound, for
    another app's too, and what `gateway.reads` raises.
    """
    of_app = Refund.objects.of_app(actor.known_app()).select_related("transaction__account")
    refund = of_app.filter(stripe_refund_id=refund_id).first()
    if refund is None:
        raise RefundNotFound
    return refresh_refund(refund) if refund.may_still_change else refund


def refresh_refund(refund: Refund) -> Refund:
    """Reads the refund from Stripe, and takes over what it says together with its payment's new sum.

    What was written here while Stripe was asked is newer than the answer, and stays.
    """
    account_id = refund.transaction.account.stripe_account_id
    found = reads.retrieve_refund(refund.stripe_refund_id, account_id=account_id)
    take_over(refund, found, known_at=refund.updated_at)
    return refund
