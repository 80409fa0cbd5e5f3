"""What the tests have of Stripe's events about payouts: one that was made by hand, and the events that tell of it."""

from datetime import UTC, datetime

from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.events import ReceivedEvent
from payouts.webhooks import payout_changed


def pay_out(tenant: Tenant, seller: str, *, order_id: str = "2227222") -> str:
    """The id of a payout of 4.00 USD, made by hand of a payment of 10.00 USD that is available at once."""
    tenant.confirm(seller, tenant.create_payment(seller, order_id=order_id), "pm_card_bypassPending")
    return stripe_client().v1.payouts.create({"amount": 400, "currency": "usd"}, {"stripe_account": seller}).id


def newest(seller: str, name: str) -> ReceivedEvent:
    """The seller's newest event `payout.` with this name, as it is handed to the apps."""
    asked = {"type": f"payout.{name}"}
    event = stripe_client().v1.events.list(asked, {"stripe_account": seller}).data[0].to_dict()  # type: ignore[arg-type]
    return ReceivedEvent(
        id=event["id"],
        type=event["type"],
        account_id=seller,
        created=datetime.fromtimestamp(event["created"], UTC),
        object=event["data"]["object"],
        is_in_our_version=True,
    )


def tell(seller: str, name: str = "created") -> str:
    """Applies the newest event with this name; the note of what came of it."""
    return payout_changed(newest(seller, name))
