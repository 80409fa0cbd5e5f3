"""A walk through the whole API in the sandbox, whose answers are the examples of its description."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from commercecore_payments import clock
from commercecore_payments.openapi.auto_schema import operation_name
from commercecore_payments.testing.api_answers.judge import described_path, webhook_problems
from commercecore_payments.tests.tenants import Tenant
from disputes.tests.told import newest, pay_disputed, tell
from sandbox.connect.onboarding import complete_onboarding
from sandbox.money import dispute_orders
from sandbox.orders import create_order
from sandbox.timeline import due
from stripe_events.tests.arrivals import arrive, told_by_stripe, work
from transactions.models import Transaction
from transactions.operations.capture_warnings import warn_of_next_lapse
from webhooks.sending import deliver_next
from webhooks.tests.receivers import Receiver, receiving

WITHOUT_TOKEN = {"X-Developer-Token": ""}
IN_THE_NEXT_VERSION = {"CommerceCore-Version": "2026-12-01"}
BODY = {"POST", "PATCH"}


@dataclass
class Walk:
    """Goes through the API as one tenant, and notes what was answered under a summary."""

    tenant: Tenant
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def ask(self, summary: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's body, which is noted."""
        sent = {"headers": {**self.tenant.headers, **headers}}
        content = {"data": body, "format": "json"} if method in BODY else {}
        response = getattr(self.tenant.client, method.lower())(f"/api/v1{path}", **content, **sent)
        answer = response.json()
        described = described_path(method, f"/api/v1{path}".partition("?")[0])
        assert described is not None, path
        noted = {"summary": summary, "path": path, "request": body, "status": response.status_code, "answer": answer}
        self.answers.setdefault(operation_name(method, described), []).append(noted)
        return answer

    def receive(self, receiver: Receiver, bodies: Mapping[int, Any]) -> None:
        """Notes the first event of each type that has arrived, and what is wrong with any."""
        for place, content in bodies.items():
            self.webhooks.setdefault(content["type"], content)
            headers, body = dict(receiver.headers[place].items()), receiver.bodies[place].encode()
            self.problems += webhook_problems(content["type"], headers, body)


def live_a_life(walk: Walk) -> None:
    """Every operation, each with what it answers when all is well and when a caller is mistaken; and every event."""
    with receiving() as receiver:
        endpoint = _listen(walk, receiver)
        seller = _open_account(walk)
        _pay(walk, seller)
        _hold(walk, seller)
        _refund(walk, seller)
        _save_cards(walk)
        _dispute(walk, seller)
        _look_around(walk)
        while deliver_next():
            pass
        _read_what_was_told(walk, endpoint)
        _close_account(walk)
        with clock.moved_ahead(timedelta(days=8)):  # what was told shortly before the hold lapsed is due then
            while deliver_next():
                pass
        _take_in(walk, receiver)


def _listen(walk: Walk, receiver: Receiver) -> str:
    """The id of a webhook endpoint that receives everything."""
    asked = {"url": receiver.url, "events": ["*"], "description": "The shop"}
    endpoint = walk.ask("An endpoint for every event", "POST", "/webhook-endpoints", asked)["data"]
    walk.ask("An address that is not allowed", "POST", "/webhook-endpoints", {"url": "ftp://example.com", "events": ["*"]})
    walk.ask("A receiver that verifies nothing", "POST", f"/webhook-endpoints/{endpoint['id']}/test", {})
    return str(endpoint["id"])


def _open_account(walk: Walk) -> str:
    """The id of an account that can be paid."""
    asked = {"email": "seller@example.com"}
    created = walk.ask("Created", "POST", "/connected-accounts", asked)["data"]["account_id"]
    walk.ask("No token", "POST", "/connected-accounts", asked, **WITHOUT_TOKEN)
    walk.ask("The email has an account", "POST", "/connected-accounts", asked)
    walk.ask("Not finished yet", "POST", "/connected-accounts/onboarding", {"account_id": created})
    walk.ask("Before the onboarding", "POST", "/connected-accounts/login", {"account_id": created})
    walk.ask(
        "Before the onboarding, next version", "POST", "/connected-accounts/login", {"account_id": created}, **IN_THE_NEXT_VERSION
    )
    complete_onboarding(account_id=created)
    walk.ask("An account that can be paid", "GET", f"/connected-accounts/{created}")
    walk.ask("No such account", "GET", "/connected-accounts/acct_unknown")
    walk.ask("Finished", "POST", "/connected-accounts/onboarding", {"account_id": created})
    walk.ask("A link to the dashboard", "POST", "/connected-accounts/login", {"account_id": created})
    return str(created)


def _pay(walk: Walk, seller: str) -> None:
    """A payment by its order alone, one that is challenged, one that is declined, and one that is given up."""
    order = create_order(developer_id=walk.tenant.developer.pk, account_id=seller, amount_minor=2500, currency="usd")
    paid = _create(walk, "By the order alone", {"order_id": order.order_id})
    _confirm(walk, "Paid", seller, paid)
    _confirm(walk, "Paid already", seller, paid)
    _confirm(walk, "Paid already, next version", seller, paid, **IN_THE_NEXT_VERSION)
    walk.ask(
        "No account is named", "POST", "/transactions/confirm", {"transaction_id": paid, "payment_method_id": "pm_card_visa"}
    )
    walk.ask("A paid transaction", "GET", f"/transactions/{paid}")
    walk.ask("Why it is paid", "GET", f"/transactions/{paid}/explain")
    challenged = _create(walk, "With amount and account", {"order_id": "1001", "account_id": seller, "amount": "4200"})
    _confirm(walk, "The buyer is challenged", seller, challenged, "pm_card_threeDSecure2Required")
    declined = _create(walk, "With a share and metadata", _with_everything(seller))
    _confirm(walk, "The card is declined", seller, declined, "pm_card_chargeDeclined")
    walk.ask("Given up", "POST", f"/transactions/{declined}/cancel", {"cancellation_reason": "abandoned"})
    walk.ask("Given up already", "POST", f"/transactions/{declined}/cancel", {})
    walk.ask("Unknown field", "POST", "/transactions", {"order_id": "1", "amont": 5})


def _with_everything(seller: str) -> dict[str, Any]:
    asked = {"order_id": "1002", "account_id": seller, "amount": 1500, "currency": "usd", "application_fee_amount": 150}
    return {**asked, "metadata": {"basket": "7"}, "statement_descriptor_suffix": "ORDER 1002"}


def _hold(walk: Walk, seller: str) -> None:
    """Money that is held, told of before it lapses, and taken in part."""
    held = _create(walk, "To be held", {"order_id": "1003", "account_id": seller, "amount": 5000, "capture_method": "manual"})
    _confirm(walk, "Held", seller, held)
    payment = Transaction.objects.get(stripe_payment_intent_id=held)
    assert payment.capture_before is not None
    with clock.moved_ahead(payment.capture_before - timedelta(hours=47) - clock.now()):
        while warn_of_next_lapse():
            pass
    walk.ask("More than is held", "POST", f"/transactions/{held}/capture", {"amount": 9000})
    walk.ask("Dry run of a part", "POST", f"/transactions/{held}/capture", {"amount": 4000, "dry_run": True})
    walk.ask("A part", "POST", f"/transactions/{held}/capture", {"amount": 4000})
    walk.ask("Captured payments of an order", "GET", "/transactions?order_id=1003&status=succeeded&limit=2")
    walk.ask("Captured already", "POST", f"/transactions/{held}/capture", {})


def _refund(walk: Walk, seller: str) -> None:
    """A part of a payment, more than is left, and one that fails later."""
    asked = {"order_id": "1003", "account_id": seller}
    walk.ask("Dry run of all that is left", "POST", "/refunds", {**asked, "dry_run": True})
    refund = walk.ask("A part", "POST", "/refunds", {**asked, "amount": 1000, "reason": "requested_by_customer"})["data"]
    walk.ask("More than is left", "POST", "/refunds", {**asked, "amount": 9000})
    walk.ask("No app is named", "POST", "/refunds", asked, **{"X-App-ID": ""})
    walk.ask("No user is named", "POST", "/refunds", asked, **{"X-User-ID": ""})
    walk.ask("Refunds of an order", "GET", "/refunds?order_id=1003&limit=10")
    walk.ask("Succeeded", "GET", f"/refunds/{refund['refund_id']}")
    failing = walk.tenant.create_payment(seller, order_id="1004")
    walk.tenant.confirm(seller, failing, "pm_card_refundFail")
    walk.tenant.refund(seller, order_id="1004")
    due.move_clock(timedelta(days=7))
    arrive(told_by_stripe(seller, "refund.failed"))
    work()


def _save_cards(walk: Walk) -> None:
    saved = walk.ask(
        "Saved", "POST", "/payment-methods", {"payment_method_id": "pm_card_visa", "type": "card", "preferred": True}
    )
    card = saved["data"]["payment_method_id"]
    walk.ask("Declined", "POST", "/payment-methods", {"payment_method_id": "pm_card_chargeDeclined"})
    walk.ask("The user's cards", "GET", "/payment-methods?limit=10")
    walk.ask("Preferred", "POST", f"/payment-methods/{card}/preferred", {})
    walk.ask("Forgotten", "DELETE", f"/payment-methods/{card}")


def _dispute(walk: Walk, seller: str) -> None:
    """A bank asks money back, and gives up."""
    pay_disputed(walk.tenant, seller, order_id="1005")
    tell(seller)
    dispute_orders.move(newest(seller, "created").object_id, "won")
    tell(seller, "closed")


def _look_around(walk: Walk) -> None:
    walk.ask("Welcome", "GET", "/")
    walk.ask("All is well", "GET", "/status")
    listed = walk.ask("The newest", "GET", "/connected-accounts?limit=10")["data"]["connected_accounts"]
    walk.ask("Its money", "GET", f"/connected-accounts/{listed[0]['account_id']}/balance")


def _read_what_was_told(walk: Walk, endpoint: str) -> None:
    address = f"/webhook-endpoints/{endpoint}"
    walk.ask("From the beginning", "GET", "/events?after=0&limit=2")
    delivered = walk.ask("What was sent", "GET", f"{address}/deliveries?limit=2")["data"]["deliveries"]
    walk.ask("Once more", "POST", f"/deliveries/{delivered[0]['id']}/resend", {})
    walk.ask("A range once more", "POST", f"{address}/resend", {"after": 0, "until": 2})
    walk.ask("The app's endpoints", "GET", "/webhook-endpoints")
    walk.ask("One endpoint", "GET", address)
    walk.ask("A new secret", "POST", f"{address}/rotate-secret", {})
    walk.ask("Payments alone", "PATCH", address, {"events": ["payment.succeeded", "account.deleted"]})


def _close_account(walk: Walk) -> None:
    other = walk.tenant.create_seller("another@example.com")
    walk.ask("Deleted", "DELETE", f"/connected-accounts/{other}")
    doomed = walk.tenant.post("/webhook-endpoints", {"url": "http://127.0.0.1:9000/", "events": ["*"]}).json()["data"]["id"]
    walk.ask("Deleted", "DELETE", f"/webhook-endpoints/{doomed}")


def _take_in(walk: Walk, receiver: Receiver) -> None:
    walk.receive(receiver, {place: json.loads(body) for place, body in enumerate(receiver.bodies)})


def _create(walk: Walk, summary: str, asked: dict[str, Any]) -> str:
    return str(walk.ask(summary, "POST", "/transactions", asked)["data"]["transaction_id"])


def _confirm(walk: Walk, summary: str, seller: str, payment: str, card: str = "pm_card_visa", **headers: str) -> None:
    asked = {"account_id": seller, "transaction_id": payment, "payment_method_id": card}
    walk.ask(summary, "POST", "/transactions/confirm", asked, **headers)
