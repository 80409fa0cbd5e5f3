"""A marketplace to prove something in: sellers, buyers and their calls, and everything that can go wrong around them.

Django is set up by then, by `proofs.database` or by pytest.

    world = World.create(sellers=2)         # a tenant with onboarded sellers; `world.tenant`, `world.sellers`
    world.create(seller, "order_1", amount=1000)      # each call of the API answers a Django response
    with wire(meddle):                      # every call of Stripe goes through `meddle(call, send)`
        ...                                 # `send()` has it answered, `send("time_out_after")` with a fault of the sandbox
    with at_statement(7, killed):           # the seventh statement of the service (none of Stripe's) dies
        ...
    restart()                               # what a new process begins with
    world.recover()                         # what is due for recovery is recovered
    world.settle_down()                     # faults are over: recovery, through 24 simulated hours
    world.findings()                        # both books compared, by `proofs.ledger`

A process that dies is `Killed`, a BaseException: no handler of the service catches it, and its transactions are rolled back,
as the database does for a process that is gone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.db import OperationalError, connection, connections
from rest_framework.test import APIClient

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from gateway.models import RECOVERABLE_STATUSES, Operation
from proofs.ledger import Finding, compare
from sandbox.faults.fault_headers import HEADER
from sandbox.models import SandboxObject
from sandbox.money import authentication, cards
from sandbox.objects import journal
from sandbox.resources import new_payment_methods
from sandbox.transport.http_client import SandboxHTTPClient

__all__ = [
    "Answer", "Call", "Finding", "Killed", "Send", "Tenant", "World", "at_statement", "at_stripe", "database_lost", "due_at",
    "killed", "restart", "wire",
]  # fmt: skip

Answer = tuple[str, int, Mapping[str, str]]
# How long a world has to come to rest once its faults are over.
TIME_TO_SETTLE = timedelta(hours=24)
# Recoveries in that time: an operation that is taken up this often without an end is a finding of its own.
MOST_RECOVERIES = 500


class Killed(BaseException):
    """The process is gone at this point: nothing after it runs."""


# --- Stripe, and what stands between ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """One call of Stripe as it leaves the service."""

    method: str
    path: str
    account: str
    idempotency_key: str
    body: str = ""

    @property
    def writes(self) -> bool:
        return self.method != "GET"


# Has the call answered by the sandbox; its argument names a fault of the sandbox's (sandbox/faults/fault_kinds.py).
Send = Callable[..., Answer]
Meddle = Callable[[Call, Send], Answer]


@contextmanager
def wire(meddle: Meddle) -> Iterator[None]:
    """While open, each call of Stripe is made by `meddle`. What it asks of the service meanwhile goes through it as well."""
    whole = SandboxHTTPClient.request

    def request(
        self: SandboxHTTPClient, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> Answer:
        sent = dict(headers or {})
        path = url.removeprefix("https://api.stripe.com").partition("?")[0]
        call = Call(method.upper(), path, sent.get("Stripe-Account", ""), sent.get("Idempotency-Key", ""), _text(post_data))

        def send(fault: str = "") -> Answer:
            with at_stripe():
                return whole(self, method, url, {**sent, HEADER: fault} if fault else sent, post_data)

        return meddle(call, send)

    with mock.patch.object(SandboxHTTPClient, "request", request):
        yield


def _text(post_data: Any) -> str:
    return post_data.decode() if isinstance(post_data, bytes) else post_data or ""


_stripe_is_at_work = False


@contextmanager
def at_stripe() -> Iterator[None]:
    """While open, the statements on this thread's connection are Stripe's own, and no crash point of the service's."""
    global _stripe_is_at_work  # noqa: PLW0603 - one thread alone lives in a world
    before, _stripe_is_at_work = _stripe_is_at_work, True
    try:
        yield
    finally:
        _stripe_is_at_work = before


# --- The process and its database ------------------------------------------------------------------------------------


def killed() -> None:
    raise Killed


def database_lost() -> None:
    raise OperationalError("the proof took the connection away")


@contextmanager
def at_statement(number: int, strike: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """While open, `strike` meets the service's statement of this number, the first being 1. Yields whether it came so far."""
    seen = 0

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        if not _stripe_is_at_work:
            seen += 1
            if seen == number:
                strike()
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield lambda: seen >= number


def restart() -> None:
    """What a new process begins with: no connection, no client, nothing remembered."""
    connections.close_all()
    stripe_client.cache_clear()


def due_at() -> datetime | None:
    """When recovery takes up the next operation; None where none is open, or left to a person."""
    open_ones = Operation.objects.filter(status__in=RECOVERABLE_STATUSES).order_by("next_recovery_at")
    with at_stripe():  # the proof asks, and not the service
        moment: datetime | None = open_ones.values_list("next_recovery_at", flat=True).first()
    return moment


# --- The marketplace -------------------------------------------------------------------------------------------------


@dataclass
class World:
    """One marketplace. Amounts are in minor units; each call of the API answers its response, whatever the status."""

    tenant: Tenant
    sellers: list[str]
    # How far Stripe's clock was put ahead of the service's.
    stripe_ahead: timedelta = timedelta()
    # How much longer Stripe may be at work on a call than the service waits for it at most.
    stripe_slower: timedelta = timedelta()
    clocks: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def create(cls, *, sellers: int = 1, tenant: Tenant | None = None) -> "World":
        tenant = tenant or Tenant.create()
        onboarded = [tenant.create_seller(f"seller{number}@example.com") for number in range(sellers)]
        # From now on a failure of the service is an answer, as it is for a caller over HTTP.
        tenant.client = APIClient(raise_request_exception=False)
        return cls(tenant=tenant, sellers=onboarded)

    def close(self) -> None:
        """Puts the clock back."""
        self.clocks.close()

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Calls of the API

    def create_payment(self, seller: str, order_id: str, *, key: str = "", user: str = "", **body: Any) -> Any:
        return self.post("/transactions", {"order_id": order_id, "account_id": seller, **body}, key=key, user=user)

    def confirm(self, seller: str, transaction_id: str, method: str, *, key: str = "", user: str = "", **body: Any) -> Any:
        sent = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": method, **body}
        return self.post("/transactions/confirm", sent, key=key, user=user)

    def capture(self, transaction_id: str, *, key: str = "", user: str = "", **body: Any) -> Any:
        return self.post(f"/transactions/{transaction_id}/capture", body, key=key, user=user)

    def cancel(self, transaction_id: str, *, key: str = "", user: str = "", **body: Any) -> Any:
        return self.post(f"/transactions/{transaction_id}/cancel", body, key=key, user=user)

    def refund(self, seller: str, order_id: str, *, key: str = "", user: str = "", **body: Any) -> Any:
        return self.post("/refunds", {"order_id": order_id, "account_id": seller, **body}, key=key, user=user)

    def save_method(self, method: str, *, key: str = "", user: str = "", **body: Any) -> Any:
        return self.post("/payment-methods", {"payment_method_id": method, **body}, key=key, user=user)

    def prefer_method(self, method: str, *, key: str = "", user: str = "") -> Any:
        return self.post(f"/payment-methods/{method}/preferred", {}, key=key, user=user)

    def detach_method(self, method: str, *, key: str = "", user: str = "") -> Any:
        return self.delete(f"/payment-methods/{method}", key=key, user=user)

    def list_methods(self, *, user: str = "") -> Any:
        return self.get("/payment-methods", user=user)

    def read_payment(self, transaction_id: str, *, user: str = "") -> Any:
        return self.get(f"/transactions/{transaction_id}", user=user)

    def read_refund(self, refund_id: str, *, user: str = "") -> Any:
        return self.get(f"/refunds/{refund_id}", user=user)

    def create_account(self, email: str, *, key: str = "") -> Any:
        return self.post("/connected-accounts", {"email": email}, key=key)

    def delete_account(self, seller: str, *, key: str = "") -> Any:
        return self.delete(f"/connected-accounts/{seller}", key=key)

    def post(self, path: str, body: Mapping[str, Any], *, key: str = "", user: str = "") -> Any:
        return self._as(user).post(path, body, **_key_header(key))

    def get(self, path: str, *, user: str = "") -> Any:
        return self._as(user).get(path)

    def delete(self, path: str, *, key: str = "", user: str = "") -> Any:
        caller = self._as(user)
        return caller.client.delete(f"/api/v1{path}", headers={**caller.headers, **_key_header(key)})

    def _as(self, user: str) -> Tenant:
        if not user:
            return self.tenant
        known = self.tenant
        return Tenant(known.developer, known.app, known.token, user_id=user, version=known.version, client=known.client)

    # The buyer

    def enter_card(self, seller: str, name: str) -> str:
        """The id of the payment method that a shop's page makes at the seller of a card typed into it.

        `name` is that of a test card; one that there is not stays what it is.
        """
        card = cards.card_named(name)
        if card is None:
            return name
        with at_stripe(), journal.change():
            return str(new_payment_methods.insert(seller, name, card).stripe_id)

    def answer_challenge(self, intent_id: str, *, passes: bool) -> None:
        """The buyer passes or fails the challenge of a payment or setup intent that waits for it."""
        with at_stripe():
            authentication.answer_open_challenge(intent_id=intent_id, authenticated=passes)

    def challenges(self) -> list[str]:
        """The payment and setup intents that wait for their buyer, the oldest first."""
        rows = SandboxObject.objects.filter(object_type__in=authentication.INTENTS, data__status="requires_action", deleted=False)
        gone = SandboxObject.objects.filter(object_type="account", deleted=True).values("stripe_id")
        with at_stripe():
            return list(rows.exclude(account__in=gone).order_by("id").values_list("stripe_id", flat=True))

    def is_gone(self, account_id: str) -> bool:
        """Whether the account was deleted at Stripe, whatever the service knows of it."""
        return SandboxObject.objects.filter(object_type="account", stripe_id=account_id, deleted=True).exists()

    def seller_of(self, intent_id: str) -> str | None:
        """The seller whose payment intent it is; None for a setup intent, and for a seller who is gone."""
        account = SandboxObject.objects.values_list("account", flat=True).get(stripe_id=intent_id)
        return account if account in self.sellers else None

    # Time

    def move_clock(self, by: timedelta) -> None:
        """Time passes, for the service and for Stripe alike. What Stripe does meanwhile it does at its next call."""
        self.clocks.enter_context(clock.moved_ahead(by))

    # Recovery

    def recover(self, limit: int | None = None) -> int:
        """Recovers what is due; answers how much was."""
        from commercecore_payments.recovery import recover_due  # noqa: PLC0415 - a crash sweep may run without it

        return sum(1 for _ in recover_due(limit))

    def settle_down(self) -> list[Finding]:
        """Recovers through the simulated hours that a world has to come to rest. What is still open then is a finding."""
        until, recoveries = clock.now() + TIME_TO_SETTLE, 0
        while recoveries < MOST_RECOVERIES:
            moment = due_at()
            if moment is None or moment > until:
                break
            self.move_clock(max(moment - clock.database_now(), timedelta()))
            recoveries += max(self.recover(), 1)
        return [Finding.still_open(operation) for operation in Operation.objects.filter(status__in=RECOVERABLE_STATUSES)]

    # Judgement

    def findings(self, *, at_rest: bool = False) -> list[Finding]:
        """What the ledgers of both sides disagree on, about all accounts of the tenant."""
        developer_id, ahead, slower = self.tenant.developer.pk, self.stripe_ahead, self.stripe_slower
        return compare(developer_id=developer_id, stripe_ahead=ahead, stripe_slower=slower, at_rest=at_rest)


def _key_header(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}
