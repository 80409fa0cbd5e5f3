"""A tenant to try everything with, in the sandbox alone."""

from dataclasses import asdict, dataclass

from django.conf import settings

from accounts.errors import AccountExists
from accounts.models import ConnectedAccount
from accounts.operations import create_account, refresh_account
from commercecore_payments.actors import Actor
from developers.models import App, Developer
from developers.operations import create_developer, issue_token
from sandbox.connect.onboarding import complete_onboarding
from sandbox.orders import create_order

DEMO_NAME = "Demo marketplace"
DEMO_USER = "usr_demo_buyer"
DEMO_SELLER = "seller@demo.example"
DEMO_AMOUNT_MINOR = 2500


class NotTheSandbox(Exception):
    """A demo tenant would have no place beside real payments."""


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """All that a first payment needs. The token is new each time; it is stored nowhere."""

    developer_id: str
    developer_token: str
    app_id: str
    user_id: str
    account_id: str
    order_id: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def create_demo_tenant() -> DemoTenant:
    """The demo tenant, made at the first call, with a new token and a new unpaid order at each.

    Raises NotTheSandbox beside a real Stripe.
    """
    if not settings.STRIPE_SANDBOX:
        raise NotTheSandbox("The demo tenant exists in the sandbox alone: unset STRIPE_SECRET_KEY.")
    developer, app = _demo_developer()
    account = _demo_account(developer)
    _, token = issue_token(developer=developer, name="Demo")
    order = create_order(
        developer_id=developer.pk,
        account_id=account.stripe_account_id,
        amount_minor=DEMO_AMOUNT_MINOR,
        currency=settings.DEFAULT_CURRENCY,
    )
    return DemoTenant(developer.pk, token, app.pk, DEMO_USER, account.stripe_account_id, order.order_id)


def _demo_developer() -> tuple[Developer, App]:
    enabled = App.objects.filter(disabled_at=None, developer__disabled_at=None)
    app = enabled.filter(name=DEMO_NAME, developer__name=DEMO_NAME).select_related("developer").last()
    return (app.developer, app) if app is not None else create_developer(name=DEMO_NAME)


def _demo_account(developer: Developer) -> ConnectedAccount:
    """The demo seller, onboarded."""
    try:
        account = create_account(email=DEMO_SELLER, actor=Actor(developer=developer))
    except AccountExists:
        account = ConnectedAccount.objects.of(developer).in_use().get(email=DEMO_SELLER)
    if account.charges_enabled:
        return account
    complete_onboarding(account_id=account.stripe_account_id)
    refresh_account(account)
    return account
