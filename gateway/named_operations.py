"""Our own operation that an object at Stripe names in its metadata: it may have made the object."""

from gateway import reads
from gateway.models import Kind, Operation
from gateway.snapshots import PaymentIntentSnapshot, RefundSnapshot


def operation_named_by(operation_id: str, kind: Kind, *, account_id: str) -> Operation | None:
    """The operation that an object's metadata names; None where there is none of this kind at this account.

    Whoever makes objects at an account chooses their metadata: another account's operations are none of theirs.
    """
    if not operation_id:
        return None
    named: Operation | None = Operation.objects.filter(pk=operation_id, kind=kind, stripe_account=account_id).first()
    return named


def may_have_made(operation: Operation, found: PaymentIntentSnapshot | RefundSnapshot) -> bool:
    """Whether it asked for such an object, and is not known to have made another one than the one that names it."""
    as_asked = reads.is_as_asked(operation, amount_minor=found.amount_minor, currency=found.currency)
    has_made_another = operation.tells_what_stripe_said and operation.result_id != found.id
    return as_asked and not has_made_another
