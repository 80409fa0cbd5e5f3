"""A caller for tests: one developer's token, app and user, and what they ask over HTTP."""

from dataclasses import dataclass, field
from typing import Any

from auditlog.context import disable_auditlog
from rest_framework.test import APIClient

from commercecore_payments.actors import Actor
from developers.models import App, Developer
from developers.tests.factories import AppFactory, make_token
from gateway.client import stripe_client
from sandbox.connect.onboarding import complete_onboarding

BASE = "http://testserver/api/v1"


@dataclass
class Tenant:
    """Calls the API as one user of one app; `version` names an API version where a test is about one."""

    developer: Developer
    app: App
    token: str
    user_id: str = "usr_ada"
    version: str = ""
    client: APIClient = field(default_factory=APIClient)

    @classmethod
    def create(cls, **changes: Any) -> "Tenant":
        with disable_auditlog():  # what nobody looks at would be written, and emptied, for every test
            app = AppFactory.create()
            _, token = make_token(app.developer)
        return cls(developer=app.developer, app=app, token=token, **changes)

    @property
    def headers(self) -> dict[str, str]:
        sent = {"X-Developer-Token": self.token, "X-User-ID": self.user_id, "X-App-ID": self.app.pk}
        return {**sent, "CommerceCore-Version": self.version} if self.version else sent

    @property
    def actor(self) -> Actor:
        return Actor(developer=self.developer, app=self.app, user_id=self.user_id, request_id="req_test")

    def as_user(self, user_id: str) -> "Tenant":
        return Tenant(self.developer, self.app, self.token, user_id=user_id, version=self.version)

    def in_version(self, version: str) -> "Tenant":
        return Tenant(self.developer, self.app, self.token, user_id=self.user_id, version=version)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(f"/api/v1{path}", body, format="json", headers={**self.headers, **headers})

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(f"/api/v1{path}", body, format="json", headers=self.headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.client.delete(f"/api/v1{path}", headers={**self.headers, **headers})

    def create_seller(self, email: str = "seller@example.com", *, onboarded: bool = True) -> str:
        """A connected account's id."""
        account_id: str = self.post("/connected-accounts", {"email": email}).json()["data"]["account_id"]
        if onboarded:
            complete_onboarding(account_id=account_id)
        return account_id

    def create_payment(self, seller: str, *, order_id: str = "2227222", amount: Any = "1000", **more: Any) -> str:
        """A transaction's id."""
        body = {"order_id": order_id, "account_id": seller, "amount": amount, **more}
        transaction_id: str = self.post("/transactions", body).json()["data"]["transaction_id"]
        return transaction_id

    def confirm(self, seller: str, transaction_id: str, payment_method_id: str = "pm_card_visa") -> Any:
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": payment_method_id}
        return self.post("/transactions/confirm", body)

    def pay(self, seller: str, *, order_id: str = "2227222", amount: Any = "1000") -> str:
        """The id of a transaction that succeeded."""
        transaction_id = self.create_payment(seller, order_id=order_id, amount=amount)
        assert self.confirm(seller, transaction_id).json()["data"]["status"] == "succeeded"
        return transaction_id

    def refund(self, seller: str, *, order_id: str = "2227222", **more: Any) -> Any:
        return self.post("/refunds", {"order_id": order_id, "account_id": seller, **more})


def intent_at_stripe(seller: str, transaction_id: str) -> dict[str, Any]:
    """What Stripe itself holds of a payment: the sandbox asked past our own records."""
    found = stripe_client().v1.payment_intents.retrieve(transaction_id, {}, {"stripe_account": seller})
    return dict(found.to_dict())


def charges_at_stripe(seller: str, transaction_id: str) -> list[dict[str, Any]]:
    """A payment's charges as Stripe itself holds them, failed ones included, newest first."""
    found = stripe_client().v1.charges.list({"payment_intent": transaction_id}, {"stripe_account": seller})
    return [charge.to_dict() for charge in found.data]


def refunds_at_stripe(seller: str, transaction_id: str) -> list[int]:
    """The amounts of a payment's refunds as Stripe itself holds them, in minor units, newest first."""
    found = stripe_client().v1.refunds.list({"payment_intent": transaction_id}, {"stripe_account": seller})
    return [refund.amount for refund in found.data]
