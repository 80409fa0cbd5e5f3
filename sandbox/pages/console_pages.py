"""The sandbox's own pages, for the staff: what the offline Stripe holds, and what may be ordered of it.

Whoever looks sees the present: what has become due is carried out first, as at each request to the sandbox.
"""

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from commercecore_payments.admin.display import list_address
from commercecore_payments.money import format_amount
from sandbox.connect import deauthorization, onboarding
from sandbox.models import SandboxDelivery, SandboxFault, SandboxObject, SandboxTask
from sandbox.pages import account_acts, challenge_acts, console, dispute_acts, refund_acts, review_acts
from sandbox.pages.base import message, staff_page, staff_page_of_the_present
from sandbox.pages.console_forms import ClockForm
from sandbox.timeline import clock, due

NOT_FOUND = ("There is no such object", "The sandbox holds nothing of this id.")
DELIVERIES_SHOWN = 50


@staff_page_of_the_present("GET")
def overview(request: HttpRequest) -> HttpResponse:
    """What there is, and the way to everything."""
    counts = {kind: console.objects(kind).count() for kind in ("account", *console.PAYMENT_KINDS, "event")}
    shown = {"counts": counts, "faults": SandboxFault.objects.count(), "now": clock.now(), "ahead": clock.ahead()}
    return render(request, "sandbox/overview.html", shown)


@staff_page_of_the_present("GET")
def accounts(request: HttpRequest) -> HttpResponse:
    """The connected accounts, with what they have earned."""
    page = console.page_of(console.objects("account"), request.GET.get("before", ""))
    rows = [{"row": row, "balances": console.balances(row.stripe_id), "has_left": "left" in row.hidden} for row in page.rows]
    return render(request, "sandbox/accounts.html", {"accounts": rows, "older": _older(request, page)})


@staff_page_of_the_present("POST")
def onboard(request: HttpRequest, account_id: str) -> HttpResponse:
    """Completes the account's onboarding, with test data for what it does not say; leads back to where it was asked for."""
    try:
        onboarding.complete_onboarding(account_id=account_id)
    except onboarding.UnknownAccount:
        return message(request, *NOT_FOUND, status=404)
    if "from_its_page" in request.POST:
        return HttpResponseRedirect(reverse("sandbox:object", args=[account_id]))
    return HttpResponseRedirect(reverse("sandbox:accounts"))


@staff_page_of_the_present("POST")
def disconnect(request: HttpRequest, account_id: str) -> HttpResponse:
    """Lets the account leave the platform, as its owner may in Stripe's dashboard."""
    try:
        deauthorization.deauthorize(account_id)
    except deauthorization.NotConnected:
        return message(request, *NOT_FOUND, status=404)
    return HttpResponseRedirect(reverse("sandbox:accounts"))


@staff_page_of_the_present("GET")
def payments(request: HttpRequest) -> HttpResponse:
    """Payment intents, what came of them, or payouts: of one account or of all."""
    kind, account = request.GET.get("kind", "payment_intent"), request.GET.get("account", "")
    if kind not in console.PAYMENT_KINDS:
        return message(request, "There is no such list", "The sandbox lists no payments of this kind.", status=404)
    page = console.page_of(console.objects(kind, account=account), request.GET.get("before", ""))
    kinds = [
        (name, name.replace("_", " ").capitalize() + "s", _address("payments", kind=name, account=account))
        for name in console.PAYMENT_KINDS
    ]
    shown = {"kind": kind, "kinds": kinds, "account": account, "rows": [_payment(row) for row in page.rows]}
    return render(request, "sandbox/payments.html", shown | {"older": _older(request, page)})


@staff_page_of_the_present("GET")
def show_object(request: HttpRequest, stripe_id: str) -> HttpResponse:
    """One object as Stripe would answer it, and its events; of an event, its deliveries."""
    row = SandboxObject.objects.filter(stripe_id=stripe_id).first()
    if row is None:
        return message(request, *NOT_FOUND, status=404)
    deliveries = SandboxDelivery.objects.filter(event=row).select_related("endpoint").order_by("-pk")
    shown = {
        "object": row,
        "content": json.dumps(console.without_secrets(row.data), indent=2, ensure_ascii=False),
        "came_of": [_payment(one) for one in console.came_of(row)],
        "events": [_event(event) for event in console.events_about(row)],
        "deliveries": deliveries[:DELIVERIES_SHOWN],
        "admin_address": list_address(SandboxObject, q=row.stripe_id),
        "account_acts": account_acts.offered(row),
        "challenge_acts": challenge_acts.offered(row),
        "dispute_acts": dispute_acts.offered(row),
        "refund_acts": refund_acts.offered(row),
        "review_acts": review_acts.offered(row),
    }
    return render(request, "sandbox/object.html", shown)


@staff_page_of_the_present("GET")
def events(request: HttpRequest) -> HttpResponse:
    """The events, of one type or account or of all."""
    event_type, account = request.GET.get("type", ""), request.GET.get("account", "")
    rows = console.objects("event", account=account)
    page = console.page_of(rows.filter(data__type=event_type) if event_type else rows, request.GET.get("before", ""))
    shown = {"events": [_event(row) for row in page.rows], "types": console.event_types(), "type": event_type}
    return render(request, "sandbox/events.html", shown | {"account": account, "older": _older(request, page)})


@staff_page("GET", "POST")
def move_clock(request: HttpRequest) -> HttpResponse:
    """The sandbox's present, and what will become due; moves it forward, which carries that out."""
    form = ClockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            due.move_clock(form.by())
        except clock.TooFar as error:
            form.add_error("hours", str(error))
        else:
            return HttpResponseRedirect(reverse("sandbox:clock"))
    waiting = console.page_of(SandboxTask.objects.all(), "").rows
    shown = {"form": form, "now": clock.now(), "ahead": clock.ahead(), "tasks": sorted(waiting, key=lambda task: task.due_at)}
    return render(request, "sandbox/clock.html", shown, status=400 if form.errors else 200)


def _address(page: str, **filters: str) -> str:
    return f"{reverse(f'sandbox:{page}')}?{urlencode({name: value for name, value in filters.items() if value})}"


def _older(request: HttpRequest, page: console.Page) -> str:
    """The address of the next page, with the same filters; "" on the last one."""
    if page.older is None:
        return ""
    filters = {**request.GET.dict(), "before": str(page.older)}
    return f"{request.path}?{urlencode(filters)}"


def _payment(row: SandboxObject) -> dict[str, Any]:
    return {
        "id": row.stripe_id,
        "kind": row.object_type,
        "account": row.account,
        "created_at": row.created_at,
        "status": console.status(row),
        "amount": format_amount(row.data["amount"], row.data["currency"]) if "amount" in row.data else "",
        "payment_intent": row.payment_intent,
    }


def _event(row: SandboxObject) -> dict[str, Any]:
    return {
        "id": row.stripe_id,
        "type": row.data["type"],
        "account": row.data.get("account", ""),
        "created_at": row.created_at,
        "about": row.data["data"]["object"].get("id", ""),
    }
