"""Orders for a service that runs without an order service: made here, looked up by the payment API."""

from commercecore_payments.identifiers import new_identifier
from sandbox.models import SandboxOrder
from sandbox.timeline import clock


def create_order(
    *, developer_id: str, account_id: str, amount_minor: int, currency: str, order_id: str | None = None
) -> SandboxOrder:
    """Records an unpaid order of a developer at a seller, of `amount_minor` minor units of `currency`.

    Raises django.db.IntegrityError where the developer has an order of this id already, or the amount is not positive.
    """
    return SandboxOrder.objects.create(
        order_id=order_id or new_identifier("order"),
        developer_id=developer_id,
        account_id=account_id,
        amount_minor=amount_minor,
        currency=currency.lower(),
        created_at=clock.now(),
    )


def find_order(*, developer_id: str, order_id: str) -> SandboxOrder | None:
    """The developer's order of this id; None where there is none, another developer's being none."""
    return SandboxOrder.objects.filter(developer_id=developer_id, order_id=order_id).first()
