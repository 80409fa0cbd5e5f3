"""Buying in the sandbox: sellers, their unpaid orders, and payments made by the same operations as the API's."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, QuerySet, Value, When

from accounts.models import ConnectedAccount
from commercecore_payments.actors import Actor
from commercecore_payments.demo import DEMO_SELLER
from developers.models import App
from gateway.snapshots import PaymentIntentSnapshot
from sandbox.models import SandboxOrder
from sandbox.orders import create_order, find_order
from transactions.models import CONFIRMED, Transaction
from transactions.operations import ConfirmationRequest, PaymentRequest, confirm_transaction, create_transaction

BUYER = "usr_checkout_buyer"
# As many as a person looks through in a list; what is older is paid through the API.
SELLERS_SHOWN = 100
ORDERS_SHOWN = 20


class NoApp(Exception):
    """The seller's developer has no app that could ask for a payment."""


def sellers() -> list[ConnectedAccount]:
    """The sellers that can be bought from, the demo seller first, then the newest."""
    demo_first = Case(When(email=DEMO_SELLER, then=Value(0)), default=Value(1))
    active = ConnectedAccount.objects.active().filter(developer__disabled_at=None).select_related("developer")
    return list(active.order_by(demo_first, "-created_at", "-id")[:SELLERS_SHOWN])


def unpaid_orders(seller: ConnectedAccount) -> QuerySet[SandboxOrder]:
    """The seller's newest orders that no transaction has paid, or holds money for."""
    paid = Transaction.objects.at(seller).holding_the_order().filter(status__in=CONFIRMED)
    orders = SandboxOrder.objects.filter(developer_id=seller.developer_id, account_id=seller.stripe_account_id)
    return orders.exclude(order_id__in=paid.values("order_id")).order_by("-created_at", "-id")[:ORDERS_SHOWN]


def order_of(seller: ConnectedAccount, order_id: str) -> SandboxOrder | None:
    """The seller's order of this id; None where there is none, another seller's being none."""
    order = find_order(developer_id=seller.developer_id, order_id=order_id)
    return order if order is not None and order.account_id == seller.stripe_account_id else None


def new_order(seller: ConnectedAccount, *, order_id: str, amount_minor: int, currency: str) -> SandboxOrder:
    """The order that the form names, made at its first sending. A second sending finds it, so that it cannot pay twice.

    Raises django.db.IntegrityError where the id belongs to another seller's order.
    """
    try:
        with transaction.atomic():
            return create_order(
                developer_id=seller.developer_id,
                account_id=seller.stripe_account_id,
                amount_minor=amount_minor,
                currency=currency,
                order_id=order_id,
            )
    except IntegrityError:
        found = order_of(seller, order_id)
        if found is None:
            raise
        return found


def payment_of(order: SandboxOrder) -> Transaction | None:
    """The transaction that pays the order, or is about to, whichever app of the developer asked for it."""
    holding = Transaction.objects.holding_the_order().for_order(order.order_id).filter(developer_id=order.developer_id)
    return holding.filter(account__stripe_account_id=order.account_id).select_related("app").first()


def pay(
    order: SandboxOrder, *, seller: ConnectedAccount, payment_method: str, capture_method: str, return_url: str, request_id: str
) -> tuple[Transaction, PaymentIntentSnapshot | None]:
    """Creates the order's transaction and confirms it. An earlier attempt's transaction goes on, captured as it was to be.

    Raises NoApp, and what `create_transaction` and `confirm_transaction` raise: OrderTaken for a paid order.
    """
    earlier = payment_of(order)
    actor = Actor(seller.developer, earlier.app if earlier else _app_of(seller), BUYER, request_id)
    request = PaymentRequest(
        order_id=order.order_id,
        account=seller,
        amount_minor=order.amount_minor,
        currency=order.currency,
        return_url=return_url,
        capture_method=earlier.capture_method if earlier else capture_method,
    )
    payment, _ = create_transaction(request, actor=actor)
    confirmation = ConfirmationRequest(
        transaction_id=payment.stripe_payment_intent_id,
        account_id=seller.stripe_account_id,
        payment_method_id=payment_method,
    )
    return confirm_transaction(confirmation, actor=actor)


def default_currency(seller: ConnectedAccount) -> str:
    """What the seller is paid in where nobody says otherwise."""
    return seller.default_currency or str(settings.DEFAULT_CURRENCY)


def _app_of(seller: ConnectedAccount) -> App:
    app = App.objects.filter(developer=seller.developer, disabled_at=None).first()
    if app is None:
        raise NoApp(seller.developer_id)
    return app
