"""Every address that the sandbox answers: method, path, the parameters it takes, and the function that answers it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from sandbox.api.errors import unknown_route
from sandbox.api.parameters import Hash
from sandbox.resources import (
    accounts,
    application_fees,
    balance,
    balance_transactions,
    capabilities,
    charges,
    customers,
    disputes,
    events,
    links,
    oauth,
    own_account,
    payment_methods,
    payouts,
    refunds,
    rejections,
    reviews,
    setup_intents,
    webhook_endpoints,
)
from sandbox.resources import payment_intent_moves as moves
from sandbox.resources import payment_intents as intents

Answering = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """What an address takes and who answers it."""

    takes: Hash
    answer: Answering


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/v1/account"): Route(own_account.RETRIEVE, own_account.retrieve),
    ("POST", "/oauth/deauthorize"): Route(oauth.DEAUTHORIZE, oauth.deauthorize),
    ("POST", "/v1/accounts"): Route(accounts.CREATE, accounts.create),
    ("GET", "/v1/accounts"): Route(accounts.LIST, accounts.list_),
    ("GET", "/v1/accounts/{account}"): Route(accounts.RETRIEVE, accounts.retrieve),
    ("POST", "/v1/accounts/{account}"): Route(accounts.UPDATE, accounts.update),
    ("DELETE", "/v1/accounts/{account}"): Route(accounts.DELETE, accounts.delete),
    ("POST", "/v1/accounts/{account}/reject"): Route(rejections.REJECT, rejections.reject),
    ("POST", "/v1/accounts/{account}/unreject"): Route(rejections.UNREJECT, rejections.unreject),
    ("GET", "/v1/accounts/{account}/capabilities"): Route(capabilities.LIST, capabilities.list_),
    ("GET", "/v1/accounts/{account}/capabilities/{capability}"): Route(capabilities.RETRIEVE, capabilities.retrieve),
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
    ("POST", "/v1/charges/{charge}"): Route(charges.UPDATE, charges.update),
    ("GET", "/v1/disputes"): Route(disputes.LIST, disputes.list_),
    ("GET", "/v1/disputes/{dispute}"): Route(disputes.RETRIEVE, disputes.retrieve),
    ("POST", "/v1/disputes/{dispute}"): Route(disputes.UPDATE, disputes.update),
    ("POST", "/v1/disputes/{dispute}/close"): Route(disputes.CLOSE, disputes.close),
    ("GET", "/v1/events"): Route(events.LIST, events.list_),
    ("GET", "/v1/events/{event}"): Route(events.RETRIEVE, events.retrieve),
    ("POST", "/v1/webhook_endpoints"): Route(webhook_endpoints.CREATE, webhook_endpoints.create),
    ("GET", "/v1/webhook_endpoints"): Route(webhook_endpoints.LIST, webhook_endpoints.list_),
    ("GET", "/v1/webhook_endpoints/{endpoint}"): Route(webhook_endpoints.RETRIEVE, webhook_endpoints.retrieve),
    ("POST", "/v1/webhook_endpoints/{endpoint}"): Route(webhook_endpoints.UPDATE, webhook_endpoints.update),
    ("DELETE", "/v1/webhook_endpoints/{endpoint}"): Route(webhook_endpoints.DELETE, webhook_endpoints.delete),
    ("POST", "/v1/payouts"): Route(payouts.CREATE, payouts.create),
    ("GET", "/v1/payouts"): Route(payouts.LIST, payouts.list_),
    ("GET", "/v1/payouts/{payout}"): Route(payouts.RETRIEVE, payouts.retrieve),
    ("POST", "/v1/payouts/{payout}"): Route(payouts.UPDATE, payouts.update),
    ("POST", "/v1/payouts/{payout}/cancel"): Route(payouts.CANCEL, payouts.cancel),
    ("POST", "/v1/refunds"): Route(refunds.CREATE, refunds.create),
    ("GET", "/v1/refunds"): Route(refunds.LIST, refunds.list_),
    ("GET", "/v1/refunds/{refund}"): Route(refunds.RETRIEVE, refunds.retrieve),
    ("POST", "/v1/refunds/{refund}"): Route(refunds.UPDATE, refunds.update),
    ("POST", "/v1/refunds/{refund}/cancel"): Route(refunds.CANCEL, refunds.cancel),
    ("POST", "/v1/test_helpers/refunds/{refund}/expire"): Route(refunds.EXPIRE, refunds.expire),
    ("GET", "/v1/reviews"): Route(reviews.LIST, reviews.list_),
    ("GET", "/v1/reviews/{review}"): Route(reviews.RETRIEVE, reviews.retrieve),
    ("POST", "/v1/reviews/{review}/approve"): Route(reviews.APPROVE, reviews.approve),
    ("GET", "/v1/application_fees"): Route(application_fees.LIST, application_fees.list_),
    ("GET", "/v1/application_fees/{fee}"): Route(application_fees.RETRIEVE, application_fees.retrieve),
    ("POST", "/v1/application_fees/{fee}/refunds"): Route(application_fees.REFUND, application_fees.refund),
    ("GET", "/v1/application_fees/{fee}/refunds"): Route(application_fees.LIST_REFUNDS, application_fees.list_refunds),
    ("GET", "/v1/application_fees/{fee}/refunds/{refund}"): Route(
        application_fees.RETRIEVE_REFUND, application_fees.retrieve_refund
    ),
    ("POST", "/v1/application_fees/{fee}/refunds/{refund}"): Route(
        application_fees.UPDATE_REFUND, application_fees.update_refund
    ),
    ("GET", "/v1/balance"): Route(balance.RETRIEVE, balance.retrieve),
    ("GET", "/v1/balance_transactions"): Route(balance_transactions.LIST, balance_transactions.list_),
    ("GET", "/v1/balance_transactions/{transaction}"): Route(balance_transactions.RETRIEVE, balance_transactions.retrieve),
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
