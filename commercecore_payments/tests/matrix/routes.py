"""The table of routes: what each is asked with, and whose the ids are that it is asked about.

A route or a method that `commercecore_payments.urls.api` has and this table has not fails the suite by its name, and so does one
that is gone. A new route is a line of ROUTES; a new kind of id is a line of OWNERS, and made in `world.py`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from django.urls import URLPattern, reverse

from commercecore_payments.urls import api


class Owner(IntEnum):
    """Who has a record: to whoever is another one of this kind it is a stranger's."""

    DEVELOPER = 1
    APP = 2
    USER = 3  # of the developer: its apps share their users' cards


class Opened(IntEnum):
    """Which headers a route asks for."""

    BY_ANYBODY = 0
    BY_TOKEN = 1
    BY_APP = 2
    BY_USER = 3


# Whose each id of the world is.
OWNERS: Mapping[str, Owner] = {
    "account": Owner.DEVELOPER,
    "spare_account": Owner.DEVELOPER,
    "unpaid_order": Owner.DEVELOPER,  # of the order lookup; whichever app pays it first
    "order": Owner.APP,
    "unconfirmed": Owner.APP,
    "hold": Owner.APP,
    "second_hold": Owner.APP,
    "paid": Owner.APP,
    "refund": Owner.APP,
    "card": Owner.USER,
    "endpoint": Owner.APP,
    "delivery": Owner.APP,
}
PLACE = re.compile(r"\A\{(?P<name>[a-z_]+)\}\Z")


@dataclass(frozen=True)
class Route:
    """One method of one address, asked in one way. `{name}` stands for an id of the world.

    `more` are the fields that it takes beside those of `body`. `passes_on` names ids that only Stripe can judge: what becomes of
    them is Stripe's refusal, and what may move is the stranger's own. `answers` is the status of a success, `foreign` that of an
    id that is not the caller's: 400 for the place where a list goes on, 200 with nothing in it for what a list is narrowed by.
    """

    method: str
    name: str
    opened: Opened
    id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    passes_on: tuple[str, ...] = ()
    answers: int = 200
    foreign: int = 404

    @property
    def is_list(self) -> bool:
        """Whether it answers what the caller has, without being told of what."""
        return self.method == "GET" and self.opened != Opened.BY_ANYBODY and not [*self.ids()]

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.name

    def __str__(self) -> str:
        asked = [f"{name}={value}" for name, value in {**self.query, **self.body}.items() if PLACE.match(str(value))]
        return f"{self.method} {self.name} {' '.join([self.id, *asked])}".strip()

    def ids(self) -> Iterator[str]:
        """The names of the ids that it is asked with, each once."""
        values = [self.id, *self.body.values(), *self.query.values()]
        yield from dict.fromkeys(match["name"] for value in values if isinstance(value, str) and (match := PLACE.match(value)))

    def address(self, ids: Mapping[str, str]) -> str:
        named = [filled(self.id, ids)] if self.id else []
        asked = "&".join(f"{name}={filled(value, ids)}" for name, value in self.query.items())
        return reverse(self.name, args=named) + (f"?{asked}" if asked else "")

    def filled_body(self, ids: Mapping[str, str]) -> dict[str, Any] | None:
        """None where the method takes no body."""
        return None if self.method in ("GET", "DELETE") else {name: filled(value, ids) for name, value in self.body.items()}


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    match = PLACE.match(value) if isinstance(value, str) else None
    return ids[match["name"]] if match else value


_OF_A_PAYMENT = ("currency", "return_url", "metadata", "capture_method", "application_fee_amount", "statement_descriptor_suffix")
_OF_A_REFUND = ("amount", "reason", "refund_application_fee", "metadata", "dry_run")

# In an order in which the owner can ask them one after another, each with success.
ROUTES: tuple[Route, ...] = (
    Route("GET", "root", Opened.BY_ANYBODY),
    Route("GET", "status", Opened.BY_ANYBODY),
    Route("GET", "connected-accounts", Opened.BY_TOKEN),
    Route("GET", "connected-accounts", Opened.BY_TOKEN, query={"starting_after": "{account}"}, foreign=400),
    Route("POST", "connected-accounts", Opened.BY_TOKEN, body={"email": "another@example.com"}, answers=201),
    Route("POST", "account-onboarding", Opened.BY_TOKEN, body={"account_id": "{account}"}, answers=201),
    Route("POST", "account-login", Opened.BY_TOKEN, body={"account_id": "{account}"}, answers=201),
    Route("GET", "account-balance", Opened.BY_TOKEN, "{account}"),
    Route("GET", "connected-account", Opened.BY_TOKEN, "{account}"),
    Route(
        "POST",
        "transactions",
        Opened.BY_USER,
        body={"order_id": "{unpaid_order}"},
        more=("account_id", "amount", *_OF_A_PAYMENT),
        answers=201,
    ),
    Route(
        "POST",
        "transactions",
        Opened.BY_USER,
        body={"order_id": "another", "account_id": "{account}", "amount": 700},
        more=_OF_A_PAYMENT,
        answers=201,
    ),
    Route(
        "POST",
        "transaction-confirm",
        Opened.BY_USER,
        body={"account_id": "{account}", "transaction_id": "{unconfirmed}", "payment_method_id": "{card}"},
        more=("off_session",),
        passes_on=("card",),
    ),
    Route(
        "POST", "transaction-capture", Opened.BY_USER, "{hold}", body={"amount": 100}, more=("application_fee_amount", "dry_run")
    ),
    Route("POST", "transaction-cancel", Opened.BY_USER, "{second_hold}", more=("cancellation_reason",)),
    Route("GET", "transactions", Opened.BY_USER),
    Route("GET", "transactions", Opened.BY_USER, query={"starting_after": "{paid}"}, foreign=400),
    Route("GET", "transactions", Opened.BY_USER, query={"order_id": "{order}"}, foreign=200),
    Route("GET", "transactions", Opened.BY_USER, query={"account_id": "{account}"}, foreign=200),
    Route("GET", "transaction-explain", Opened.BY_USER, "{paid}"),
    Route("GET", "transaction", Opened.BY_USER, "{paid}"),
    Route(
        "POST",
        "refunds",
        Opened.BY_USER,
        body={"transaction_id": "{paid}", "account_id": "{account}", "amount": 100},
        more=("order_id", *_OF_A_REFUND),
        answers=201,
    ),
    Route(
        "POST",
        "refunds",
        Opened.BY_USER,
        body={"order_id": "{order}", "account_id": "{account}"},
        more=("transaction_id", *_OF_A_REFUND),
        answers=201,
    ),
    Route("GET", "refunds", Opened.BY_USER),
    Route("GET", "refunds", Opened.BY_USER, query={"starting_after": "{refund}"}, foreign=400),
    Route("GET", "refunds", Opened.BY_USER, query={"order_id": "{order}"}, foreign=200),
    Route("GET", "refunds", Opened.BY_USER, query={"account_id": "{account}"}, foreign=200),
    Route("GET", "refunds", Opened.BY_USER, query={"transaction_id": "{paid}"}, foreign=200),
    Route("GET", "refund", Opened.BY_USER, "{refund}"),
    Route(
        "POST",
        "payment-methods",
        Opened.BY_USER,
        body={"payment_method_id": "{card}"},
        more=("type", "preferred"),
        passes_on=("card",),
        answers=201,
    ),
    Route("GET", "payment-methods", Opened.BY_USER),
    Route("GET", "payment-methods", Opened.BY_USER, query={"starting_after": "{card}"}, foreign=400),
    Route("POST", "payment-method-preferred", Opened.BY_USER, "{card}"),
    Route("DELETE", "payment-method", Opened.BY_USER, "{card}"),
    Route(
        "POST",
        "webhook-endpoints",
        Opened.BY_APP,
        body={"url": "https://shop.example/more", "events": ["payment.failed"]},
        more=("description",),
        answers=201,
    ),
    Route("GET", "webhook-endpoints", Opened.BY_APP),
    Route("GET", "webhook-endpoints", Opened.BY_APP, query={"starting_after": "{endpoint}"}, foreign=400),
    Route("GET", "webhook-endpoint", Opened.BY_APP, "{endpoint}"),
    Route(
        "PATCH",
        "webhook-endpoint",
        Opened.BY_APP,
        "{endpoint}",
        body={"description": "changed"},
        more=("url", "events", "status"),
    ),
    Route("POST", "webhook-endpoint-rotate-secret", Opened.BY_APP, "{endpoint}"),
    Route("GET", "webhook-endpoint-deliveries", Opened.BY_APP, "{endpoint}"),
    Route("POST", "webhook-endpoint-resend", Opened.BY_APP, "{endpoint}", body={"after": 0, "until": 9}),
    Route("POST", "webhook-endpoint-test", Opened.BY_APP, "{endpoint}"),
    Route("GET", "events", Opened.BY_APP),
    Route("POST", "delivery-resend", Opened.BY_APP, "{delivery}"),
    Route("DELETE", "webhook-endpoint", Opened.BY_APP, "{endpoint}"),
    Route("DELETE", "connected-account", Opened.BY_TOKEN, "{spare_account}"),
)


def served() -> set[tuple[str, str]]:
    """Every method of every route that is served, with the route's name."""
    found: set[tuple[str, str]] = set()
    for pattern in api:
        assert isinstance(pattern, URLPattern), f"{pattern}: the table knows single addresses alone"
        actions: Mapping[str, str] = getattr(pattern.callback, "actions", None) or {}
        assert actions, f"{pattern} is no view set"
        assert pattern.name, f"{pattern} has no name"
        found |= {(method.upper(), str(pattern.name)) for method in actions if method != "head"}  # asked as GET is
    return found
