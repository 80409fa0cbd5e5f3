"""Every address that the sandbox answers: method, path, the parameters it takes, and the function that answers it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from sandbox.errors import unknown_route
from sandbox.parameters import Hash
from sandbox.resources import accounts, charges, customers, links, payment_methods, refunds, setup_intents
from sandbox.resources import payment_intent_moves as moves
from sandbox.resources import payment_intents as intents

Answering = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """What an address takes and who answers it."""

    takes: Hash
    answer: Answering


ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/v1/accounts"): Route(accounts.CREATE, accounts.create),
    ("GET", "/v1/accounts"): Route(accounts.LIST, accounts.list_),
    ("GET", "/v1/accounts/{account}"): Route(accounts.RETRIEVE, accounts.retrieve),
    ("POST", "/v1/accounts/{account}"): Route(accounts.UPDATE, accounts.update),
    ("DELETE", "/v1/accounts/{account}"): Route(accounts.DELETE, accounts.delete),
    ("POST", "/v1/accounts/{account}/login_links"): Route(links.CREATE_LOGIN_LINK, links.create_login_link),
    ("POST", "/v1/account_links"): Route(links.CREATE_ACCOUNT_LINK, links.create_account_link),
    ("POST", "/v1/customers"): Route(customers.CREATE, customers.create),
    ("GET", "/v1/customers"): Route(customers.LIST, customers.list_),
    ("GET", "/v1/customers/{customer}"): Route(customers.RETRIEVE, customers.retrieve),
    ("POST", "/v1/customers/{customer}"): Route(customers.UPDATE, customers.update),
    ("DELETE", "/v1/customers/{customer}"): Route(customers.DELETE, customers.delete),
    ("GET", "/v1/customers/{customer}/payment_methods"): Route(customers.LIST_PAYMENT_METHODS, customers.list_payment_methods),
    ("POST", "/v1/payment_methods"): Route(payment_methods.CREATE, payment_methods.create),
    ("GET", "/v1/payment_methods"): Route(payment_methods.LIST, payment_methods.list_),
    ("GET", "/v1/payment_methods/{payment_method}"): Route(payment_methods.RETRIEVE, payment_methods.retrieve),
    ("POST", "/v1/payment_methods/{payment_method}"): Route(payment_methods.UPDATE, payment_methods.update),
    ("POST", "/v1/payment_methods/{payment_method}/attach"): Route(payment_methods.ATTACH, payment_methods.attach),
    ("POST", "/v1/payment_methods/{payment_method}/detach"): Route(payment_methods.DETACH, payment_methods.detach),
    ("POST", "/v1/setup_intents"): Route(setup_intents.CREATE, setup_intents.create),
    ("GET", "/v1/setup_intents"): Route(setup_intents.LIST, setup_intents.list_),
    ("GET", "/v1/setup_intents/{intent}"): Route(setup_intents.RETRIEVE, setup_intents.retrieve),
    ("POST", "/v1/setup_intents/{intent}"): Route(setup_intents.UPDATE, setup_intents.update),
    ("POST", "/v1/setup_intents/{intent}/confirm"): Route(setup_intents.CONFIRM, setup_intents.confirm),
    ("POST", "/v1/setup_intents/{intent}/cancel"): Route(setup_intents.CANCEL, setup_intents.cancel),
    ("POST", "/v1/payment_intents"): Route(intents.CREATE, intents.create),
    ("GET", "/v1/payment_intents"): Route(intents.LIST, intents.list_),
    ("GET", "/v1/payment_intents/{intent}"): Route(intents.RETRIEVE, intents.retrieve),
    ("POST", "/v1/payment_intents/{intent}"): Route(intents.UPDATE, intents.update),
    ("POST", "/v1/payment_intents/{intent}/confirm"): Route(moves.CONFIRM, moves.confirm),
    ("POST", "/v1/payment_intents/{intent}/capture"): Route(moves.CAPTURE, moves.capture),
    ("POST", "/v1/payment_intents/{intent}/cancel"): Route(moves.CANCEL, moves.cancel),
    ("GET", "/v1/charges"): Route(charges.LIST, charges.list_),
    ("GET", "/v1/charges/{charge}"): Route(charges.RETRIEVE, charges.retrieve),
    ("POST", "/v1/refunds"): Route(refunds.CREATE, refunds.create),
    ("GET", "/v1/refunds"): Route(refunds.LIST, refunds.list_),
    ("GET", "/v1/refunds/{refund}"): Route(refunds.RETRIEVE, refunds.retrieve),
    ("POST", "/v1/refunds/{refund}"): Route(refunds.UPDATE, refunds.update),
    ("POST", "/v1/refunds/{refund}/cancel"): Route(refunds.CANCEL, refunds.cancel),
}


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of an address, and the ids that stand in it. Raises a 404 where there is none."""
    for (of_method, template), route in ROUTES.items():
        match = _pattern(template).fullmatch(path) if of_method == method else None
        if match:
            return route, {name: unquote_plus(value) for name, value in match.groupdict().items()}
    raise unknown_route(method, path)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
