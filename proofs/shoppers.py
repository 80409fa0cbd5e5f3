"""Callers over HTTP who do as they are told: a key with every write, and the same request again until it is answered."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import requests

from commercecore_payments.tests.tenants import Tenant
from idempotency.operations import LEASE
from proofs.scenes import VERSION

# Seconds after which a caller gives up a request: the key of a process that was killed is free by then, and the recovery's first
# look at an operation, a minute old, is over. Beyond the lease there is time for one more answer.
PATIENCE_S = LEASE.total_seconds() + 20
# Seconds for a connection, and for an answer: the longest request makes four calls to Stripe.
CONNECT_S, ANSWER_S = 3, 160
# Seconds between two tries at the most, whatever Retry-After asks: a proof has less time than a shop.
LONGEST_PAUSE_S = 1.0
# Answered so, the same request is to be sent again.
AGAIN = frozenset({429, 502, 503, 504})
AGAIN_CODES = frozenset({"operation_in_progress", "idempotency_key_in_use"})
# Of all payments the share that is held first; of the holds, that is given up; of the rest, that is refunded in part, or twice.
HELD, GIVEN_UP, REFUNDED = 0.3, 0.3, 0.5
CARDS = ("pm_card_visa",) * 8 + ("pm_card_chargeDeclined", "pm_card_mastercard")


@dataclass(frozen=True, slots=True)
class Deed:
    """One request and its last answer: status 0 where the caller gave up. `amount` is in minor units."""

    act: str
    transaction_id: str
    amount: int
    status: int
    data: dict[str, Any]


@dataclass
class Shopper:
    """One thread's caller. `addresses` are those of all web servers; each try goes to any of them, as behind a load balancer."""

    number: int
    tenant: Tenant
    sellers: Sequence[str]
    addresses: Sequence[str]
    pause_s: float
    deeds: list[Deed] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.number)  # noqa: S311 - repeatable, guards nothing
        self.session = requests.Session()
        self.session.trust_env = False

    def shop(self, is_over: Event) -> None:
        """Pays for one order after the other."""
        order = 0
        while not is_over.wait(self.dice.uniform(0, 2 * self.pause_s)):
            order += 1
            self._buy(f"order-{self.number}-{order}")

    def _buy(self, order: str) -> None:
        seller, amount, is_held = self.dice.choice(self.sellers), self.dice.randrange(500, 9_000), self.dice.random() < HELD
        body = {"order_id": order, "account_id": seller, "amount": amount, "capture_method": "manual" if is_held else "automatic"}
        created = self._ask("create", "", amount, "/transactions", body)
        if created.status != 201:
            return
        payment = created.data["transaction_id"]
        body = {"account_id": seller, "transaction_id": payment, "payment_method_id": self.dice.choice(CARDS)}
        if self._ask("confirm", payment, amount, "/transactions/confirm", body).status == 200:
            (self._end_hold if is_held else self._refund)(payment, amount, {"order_id": order, "account_id": seller})

    def _end_hold(self, payment: str, amount: int, _: dict[str, Any]) -> None:
        if self.dice.random() < GIVEN_UP:
            self._ask("cancel", payment, amount, f"/transactions/{payment}/cancel", {})
        else:
            part = self.dice.randrange(amount // 2, amount + 1)
            self._ask("capture", payment, part, f"/transactions/{payment}/capture", {"amount": part})

    def _refund(self, payment: str, amount: int, of: dict[str, Any]) -> None:
        for share in (3, 4):
            if self.dice.random() < REFUNDED:
                self._ask("refund", payment, amount // share, "/refunds", {**of, "amount": amount // share})

    def _ask(self, act: str, payment: str, amount: int, path: str, body: dict[str, Any]) -> Deed:
        key = f"{self.number}-{len(self.deeds)}"
        answer = self._until_answered(lambda: self._send(path, body, key))
        status = answer.status_code if answer is not None else 0
        if status >= 500:
            self.failures.append(f"{act} was answered {status}: {answer.text[:200] if answer is not None else ''}")
        data = answer.json().get("data") if answer is not None and status < 300 else None
        deed = Deed(act, payment or str((data or {}).get("transaction_id", "")), amount, status, data or {})
        self.deeds.append(deed)
        return deed

    def _send(self, path: str, body: dict[str, Any], key: str) -> requests.Response:
        address = f"{self.dice.choice(self.addresses)}/api/v1{path}"
        headers = {**self.tenant.headers, "CommerceCore-Version": VERSION, "Idempotency-Key": key}
        return self.session.post(address, json=body, headers=headers, timeout=(CONNECT_S, ANSWER_S))

    def _until_answered(self, send: Callable[[], requests.Response]) -> requests.Response | None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            pause_s = 0.2
            try:
                answer = send()
                if not _is_to_repeat(answer):
                    self.tries["answered"] += 1
                    return answer
                self.tries[f"{answer.status_code} {answer.json()['details']['code']}"] += 1
                pause_s = min(float(answer.headers.get("Retry-After", 0.2)), LONGEST_PAUSE_S)
            except requests.RequestException:
                self.tries["connection lost"] += 1
            time.sleep(pause_s)
        return None


def _is_to_repeat(answer: requests.Response) -> bool:
    if answer.status_code in AGAIN:
        return True
    return answer.status_code == 409 and answer.json()["details"]["code"] in AGAIN_CODES
