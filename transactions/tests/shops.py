"""A shop for the tests of payments whose calls to Stripe fail, and what they ask of it."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant, charges_at_stripe, intent_at_stripe
from gateway.client import stripe_client
from gateway.tests.faults import stripe_fails

VISA, MASTERCARD = "pm_card_visa", "pm_card_mastercard"


def later(**passed: int) -> Any:
    """The same program, when some time has passed."""
    return clock.moved_ahead(timedelta(**passed))


@dataclass
class Shop:
    """A seller's shop, whose wire to Stripe can be broken for a single request."""

    tenant: Tenant
    seller: str
    monkeypatch: pytest.MonkeyPatch

    def create(self, fault: Any = None) -> Any:
        """The answer to the creation of a payment, always for the same order, whose call to Stripe met a fault."""
        with self.broken(fault, "/payment_intents"):
            return self.tenant.post("/transactions", {"order_id": "1", "account_id": self.seller, "amount": 1000})

    def confirm(self, transaction_id: str, card: str = VISA, fault: Any = None, path: str = "/confirm") -> Any:
        """The answer to the confirmation of a payment, whose call to Stripe met a fault."""
        with self.broken(fault, path):
            return self.tenant.confirm(self.seller, transaction_id, card)

    def confirmed(self, fault: Any, card: str = VISA) -> str:
        """The id of a new payment whose confirmation met a fault."""
        transaction_id = self.tenant.create_payment(self.seller)
        self.confirm(transaction_id, card, fault)
        return transaction_id

    def broken(self, fault: Any, path: str) -> Any:
        """While open, the calls that change something at such an address meet the fault; none is a whole wire."""
        return stripe_fails(self.monkeypatch, fault, path=path) if fault else nullcontext([])

    def at_stripe(self, transaction_id: str) -> dict[str, Any]:
        """The payment as Stripe has it."""
        return intent_at_stripe(self.seller, transaction_id)

    def charges(self, transaction_id: str) -> list[dict[str, Any]]:
        """What Stripe tried to take for it."""
        return charges_at_stripe(self.seller, transaction_id)


def card_at(seller: str, token: str) -> str:
    """The id of a payment method that a browser has made of a card at the seller."""
    made = stripe_client().v1.payment_methods.create({"type": "card", "card": {"token": token}}, {"stripe_account": seller})
    return made.id


def save_card(shop: Shop) -> str:
    """The id of a card that the buyer has saved."""
    saved = shop.tenant.post("/payment-methods", {"payment_method_id": VISA}).json()["data"]
    return str(saved["payment_method_id"])


def assert_under_way(response: Any) -> None:
    assert (response.status_code, response.json()["details"]["code"]) == (409, "operation_in_progress")
