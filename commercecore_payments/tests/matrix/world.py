"""Four callers who must not meet: two users of an app, another app of the same developer, and another developer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from commercecore_payments.tests.matrix.routes import OWNERS, Owner, Route
from commercecore_payments.tests.tenants import Tenant
from sandbox.orders import create_order
from webhooks.models import Delivery
from webhooks.tests.consumers import create_endpoint, other_app


@dataclass
class Member:
    """A tenant with one id of each kind, and with secrets that nobody else may be shown."""

    name: str
    tenant: Tenant
    ids: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)

    def ask(self, route: Route, ids: Mapping[str, str], **headers: str) -> Any:
        method = getattr(self.tenant.client, route.method.lower())
        asked = {**self.tenant.headers, **headers}
        return method(route.address(ids), route.filled_body(ids), format="json", headers=asked)


@dataclass
class World:
    owner: Member
    user: Member  # another user of the same app
    app: Member  # another app of the same developer, and the same user
    developer: Member  # another developer, whose user has the same name

    def strangers_to(self, owner: Owner) -> list[Member]:
        """Those to whom what the owner has is not theirs."""
        return {
            Owner.DEVELOPER: [self.developer],
            Owner.APP: [self.app, self.developer],
            Owner.USER: [self.user, self.developer],
        }[owner]

    def strangers(self) -> tuple[Member, ...]:
        return (self.user, self.app, self.developer)


def make_world() -> World:
    tenant, elsewhere = Tenant.create(), Tenant.create()
    seller = tenant.create_seller("seller@example.com")
    return World(
        owner=_settled("owner", tenant, seller),
        user=_settled("user", tenant.as_user("usr_bob"), seller),
        app=_settled("app", other_app(tenant), seller),
        developer=_settled("developer", elsewhere, elsewhere.create_seller("elsewhere@example.com")),
    )


def _settled(name: str, tenant: Tenant, seller: str) -> Member:
    """A member with a record of each kind; its endpoint was there first, so that something was to be delivered."""
    member = Member(name, tenant)
    endpoint = create_endpoint(tenant, description=f"of {name}")
    card = tenant.post("/payment-methods", {"payment_method_id": "pm_card_visa"}).json()["data"]["payment_method_id"]
    order = create_order(
        developer_id=tenant.developer.pk, account_id=seller, amount_minor=900, currency="usd", order_id=f"unpaid-{name}"
    )
    paid = tenant.pay(seller, order_id=f"paid-{name}", amount=1000)
    refund = tenant.refund(seller, order_id=f"paid-{name}", amount=100).json()["data"]["refund_id"]
    member.ids = {
        "account": seller,
        "spare_account": tenant.create_seller(f"spare-{name}@example.com", onboarded=False),
        "unpaid_order": order.order_id,
        "order": f"paid-{name}",
        "unconfirmed": tenant.create_payment(seller, order_id=f"unconfirmed-{name}"),
        "hold": _hold(tenant, seller, f"hold-{name}"),
        "second_hold": _hold(tenant, seller, f"second-{name}"),
        "paid": paid,
        "refund": refund,
        "card": card,
        "endpoint": endpoint["id"],
        "delivery": Delivery.objects.filter(endpoint=endpoint["id"]).order_by("pk")[0].pk,
    }
    Delivery.objects.filter(endpoint=endpoint["id"]).update(status="failed")
    member.secrets = [tenant.token, endpoint["secret"]]
    assert member.ids.keys() == OWNERS.keys()
    return member


def _hold(tenant: Tenant, seller: str, order_id: str) -> str:
    transaction_id = tenant.create_payment(seller, order_id=order_id, capture_method="manual")
    assert tenant.confirm(seller, transaction_id).json()["data"]["status"] == "requires_capture"
    return transaction_id


def unknown(name: str) -> str:
    """An id of this kind, in its shape, that nobody has."""
    beginnings = {
        "account": "acct",
        "spare_account": "acct",
        "refund": "re",
        "card": "pm",
        "endpoint": "we",
        "delivery": "dl",
        "order": "order",
    }
    return f"{beginnings.get(name, 'order' if 'order' in name else 'pi')}_1NobodyHasThis"
