"""The checkout: a buyer's side of a payment, played by somebody on the staff, and what came of it."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts.models import ConnectedAccount
from commercecore_payments.admin.display import list_address
from commercecore_payments.error_responses import response_status
from commercecore_payments.errors import ServiceError
from commercecore_payments.identifiers import new_identifier
from commercecore_payments.money import format_amount
from gateway.snapshots import PaymentIntentSnapshot
from sandbox.models import SandboxObject, SandboxOrder
from sandbox.pages import checkout
from sandbox.pages.base import message, staff_page
from sandbox.pages.checkout_form import NEW_ORDER, CheckoutForm
from transactions.errors import CardDeclined, OrderTaken
from transactions.models import NOT_YET_PAID, Status, Transaction
from transactions.operations import refresh_transaction

NO_SELLER = (
    "Nobody sells here yet",
    "There is no active connected account. Make the demo tenant: .venv/bin/python manage.py create_demo_tenant",
)
NO_PAYMENT = ("No such payment", "No transaction of this service has this id.")
NO_APP = "The seller's developer has no enabled app: make one in the admin."
TONES: dict[str, str] = {
    Status.SUCCEEDED: "good",
    Status.CANCELED: "bad",
    Status.REQUIRES_PAYMENT_METHOD: "bad",
    Status.CREATION_FAILED: "bad",
}


@staff_page("GET", "POST")
def pay(request: HttpRequest) -> HttpResponse:
    """The form: a seller, an order, a card. A payment leads to its result page, a challenge first to 3-D Secure."""
    sellers = checkout.sellers()
    if not sellers:
        return message(request, *NO_SELLER)
    if request.method == "GET":
        seller = _chosen(sellers, request.GET.get("seller", "")) or sellers[0]
        return _page(request, seller, CheckoutForm(initial=_first_answers(seller, request.GET.get("order", ""))))
    chosen = _chosen(sellers, request.POST.get("seller", ""))
    if chosen is None:
        return message(request, "No such seller", "The account is not active, or there never was one.", status=404)
    form = CheckoutForm(request.POST, seller=chosen)
    if not form.is_valid():
        return _page(request, chosen, form, status=400)
    return _pay(request, chosen, form)


@staff_page("GET")
def result(request: HttpRequest) -> HttpResponse:
    """What came of a payment, read from Stripe while it may still change: the buyer may come from the challenge."""
    wanted = Transaction.objects.filter(stripe_payment_intent_id=request.GET.get("payment_intent", ""))
    payment = wanted.exclude(stripe_payment_intent_id="").select_related("account").first()
    if payment is None:
        return message(request, *NO_PAYMENT, status=404)
    try:
        intent = refresh_transaction(payment) if payment.may_still_change else None
    except ServiceError as error:
        return message(request, "Stripe did not answer", error.message, status=response_status(error, request))
    shown = _result_facts(payment, intent, repeated=request.GET.get("repeated") == "yes")
    return render(request, "sandbox/checkout_result.html", shown)


def _chosen(sellers: list[ConnectedAccount], account_id: str) -> ConnectedAccount | None:
    return next((seller for seller in sellers if seller.stripe_account_id == account_id), None)


def _first_answers(seller: ConnectedAccount, order_id: str) -> dict[str, Any]:
    order = checkout.order_of(seller, order_id) or checkout.unpaid_orders(seller).first()
    return {
        "seller": seller.stripe_account_id,
        "order": order.order_id if order else NEW_ORDER,
        "new_order_id": new_identifier("order"),
        "currency": checkout.default_currency(seller),
    }


def _page(
    request: HttpRequest, seller: ConnectedAccount, form: CheckoutForm, *, status: int = 200, error: ServiceError | None = None
) -> HttpResponse:
    orders = [
        {"id": order.order_id, "amount": format_amount(order.amount_minor, order.currency), "created_at": order.created_at}
        for order in checkout.unpaid_orders(seller)
    ]
    shown = {"sellers": checkout.sellers(), "seller": seller, "orders": orders, "form": form, "new": NEW_ORDER}
    if error is not None:
        shown["error"] = {"status": status, "code": error.code, "message": error.message}
    return render(request, "sandbox/checkout.html", shown, status=status)


def _pay(request: HttpRequest, seller: ConnectedAccount, form: CheckoutForm) -> HttpResponse:
    """Pays, and leads to what came of it. What is no decline is told as the API would tell it, and the form stays."""
    order = form.chosen_order()
    try:
        payment, intent = checkout.pay(
            order,
            seller=seller,
            payment_method=form.cleaned_data["card"],
            capture_method=form.cleaned_data["capture"],
            return_url=f"{settings.PUBLIC_BASE_URL}{reverse('sandbox:checkout_result')}",
            request_id=getattr(request, "request_id", ""),
        )
    except CardDeclined as declined:
        return _to_result(declined.extra["transaction_id"])
    except OrderTaken as taken:
        return _to_taken(request, seller, form, order, taken)
    except ServiceError as error:
        return _page(request, seller, form, status=response_status(error, request), error=error)
    except checkout.NoApp:
        return message(request, "Nobody can ask for this payment", NO_APP, status=409)
    if payment.status == Status.REQUIRES_ACTION:
        return HttpResponseRedirect(_challenge_address(intent))
    return _to_result(payment.stripe_payment_intent_id)


def _to_taken(
    request: HttpRequest, seller: ConnectedAccount, form: CheckoutForm, order: SandboxOrder, taken: OrderTaken
) -> HttpResponse:
    payment = checkout.payment_of(order)
    if payment is None or not payment.stripe_payment_intent_id:
        return _page(request, seller, form, status=response_status(taken, request), error=taken)
    return _to_result(payment.stripe_payment_intent_id, repeated="yes")


def _to_result(payment_intent: str, **more: str) -> HttpResponse:
    query = urlencode({"payment_intent": payment_intent, **more})
    return HttpResponseRedirect(f"{reverse('sandbox:checkout_result')}?{query}")


def _challenge_address(intent: PaymentIntentSnapshot | None) -> str:
    """The 3-D Secure page that an intent with a return_url waits at; "" where it waits at none."""
    action = intent.next_action if intent is not None else None
    return str(action["redirect_to_url"]["url"]) if action and "redirect_to_url" in action else ""


def _result_facts(payment: Transaction, intent: PaymentIntentSnapshot | None, *, repeated: bool) -> dict[str, Any]:
    again = urlencode({"seller": payment.account.stripe_account_id, "order": payment.order_id})
    return {
        "payment": payment,
        "amount": format_amount(payment.amount_minor, payment.currency),
        "tone": TONES.get(payment.status, "waiting"),
        "repeated": repeated,
        "challenge": _challenge_address(intent),
        "may_be_paid": payment.status in NOT_YET_PAID,
        "is_confirmed": payment.is_confirmed,
        "admin_transaction": reverse("admin:transactions_transaction_change", args=[payment.pk]),
        "admin_objects": list_address(SandboxObject, q=payment.stripe_payment_intent_id),
        "checkout_again": f"{reverse('sandbox:checkout')}?{again}",
    }
