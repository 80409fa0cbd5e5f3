"""What an operation leaves behind: at Stripe, without ids and dates, so that two runs can be compared; and in both books."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Max

from proofs.world import World
from sandbox.models import SandboxObject
from transactions.models import Transaction

# What counts of each object. A payment method counts where it belongs to a customer: a clone that was made twice, as it
# may be, holds no money.
_COUNTED: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "account": lambda account: account.get("email"),
    "customer": lambda _: None,
    "setup_intent": lambda setup: setup.get("status"),
    "payment_intent": lambda intent: [intent[name] for name in ("status", "amount", "amount_received", "amount_capturable")],
    "charge": lambda charge: [charge[name] for name in ("status", "amount", "amount_captured", "amount_refunded", "captured")],
    "refund": lambda refund: [refund[name] for name in ("status", "amount")],
    "payment_method": lambda method: method.get("customer") is not None,
    "application_fee": lambda fee: [fee[name] for name in ("amount", "amount_refunded")],
}

Footprint = tuple[str, ...]


def newest_object() -> int:
    """The number of the newest object at Stripe; what is made later has a higher one."""
    return SandboxObject.objects.aggregate(newest=Max("id"))["newest"] or 0


def footprint(since: int) -> Footprint:
    """All that was made at Stripe after the object of this number, as it is now."""
    rows = SandboxObject.objects.filter(id__gt=since, object_type__in=_COUNTED)
    return tuple(sorted(_told(row) for row in rows if _counts(row)))


def is_at_stripe(object_id: str) -> bool:
    """Whether Stripe knows, or has known, an object of this id."""
    return SandboxObject.objects.filter(stripe_id=object_id).exists()


def _counts(row: SandboxObject) -> bool:
    return row.object_type != "payment_method" or (row.account == "" and bool(row.data.get("customer")))


def _told(row: SandboxObject) -> str:
    return f"{row.object_type} {'deleted' if row.deleted else json.dumps(_COUNTED[row.object_type](row.data))}"


def findings_at_rest(world: World) -> list[str]:
    """What both books disagree on, once all payments were read: what a buyer did meanwhile is no disagreement."""
    payments = Transaction.objects.filter(developer=world.tenant.developer, account__status="active")
    for payment in payments.exclude(stripe_payment_intent_id=""):
        world.read_payment(payment.stripe_payment_intent_id)
    return [str(finding) for finding in world.findings(at_rest=True)]
