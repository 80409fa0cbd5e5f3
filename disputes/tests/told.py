"""What the tests have of Stripe's events about disputes: a dispute that a bank opened, and the event that tells of it."""

from datetime import UTC, datetime

from commercecore_payments.tests.tenants import Tenant
from disputes.webhooks import dispute_changed
from gateway.client import stripe_client
from gateway.events import ReceivedEvent


def pay_disputed(tenant: Tenant, seller: str, *, order_id: str = "2227222", card: str = "pm_card_createDispute") -> str:
    """The id of a transaction of 10.00 USD that its buyer's bank has disputed."""
    transaction_id = tenant.create_payment(seller, order_id=order_id)
    assert tenant.confirm(seller, transaction_id, card).json()["data"]["status"] == "succeeded"
    return transaction_id


def pay_disputed_past_the_service(seller: str) -> str:
    """The id of a disputed payment intent of 10.00 USD that was made at Stripe without this service."""
    never = {"enabled": True, "allow_redirects": "never"}
    asked = {"amount": 1000, "currency": "usd", "confirm": True, "payment_method": "pm_card_createDispute"}
    parameters = {**asked, "automatic_payment_methods": never}
    return stripe_client().v1.payment_intents.create(parameters, {"stripe_account": seller}).id  # type: ignore[arg-type]


def newest(seller: str, name: str) -> ReceivedEvent:
    """The seller's newest event `charge.dispute.` with this name, as it is handed to the apps."""
    asked = {"type": f"charge.dispute.{name}"}
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
    return dispute_changed(newest(seller, name))
