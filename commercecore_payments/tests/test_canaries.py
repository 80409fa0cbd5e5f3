"""Secrets on every path, and looked for afterwards: in the log, in every column of every table, in the admin and its exports."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from commercecore_payments.tests.admin_pages import OWN_RECORDS, list_page, record_page, staff_client
from commercecore_payments.tests.matrix.routes import ROUTES
from commercecore_payments.tests.matrix.rows import all_rows
from commercecore_payments.tests.matrix.world import World, make_world, unknown
from commercecore_payments.tests.tenants import Tenant
from developers.tests.issuer import SECRET, SECRET_KEYS, claims, sign
from sandbox.models import SandboxObject
from stripe_events.tests.arrivals import send, told_by_stripe, work
from webhooks.sending import deliver_next

CARD = "4242424242424242"
# What a caller is given once, in whatever answer it stands: client secrets, endpoint secrets, onboarding and login links.
GIVEN = re.compile(
    r"[a-z]+_[A-Za-z0-9]+_secret_[A-Za-z0-9]+|whsec_[A-Za-z0-9+/=]+|/onboarding/([^\"?\s]+)|/sandbox/express/[^/]+/([^\"?\s/]+)"
)
# The sandbox is Stripe: it knows its own client secrets, links and endpoint secrets. Nothing else may.
STRIPES_OWN = "sandbox_"


@contextmanager
def everything_logged() -> Iterator[StringIO]:
    """All that any logger has to say, at DEBUG, as the service's own handler writes it."""
    loggers = [logging.getLogger(), *(one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    levels = [one.level for one in loggers]
    console = next(one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    text = StringIO()
    usual = console.setStream(text)
    for one in loggers:
        one.setLevel(logging.DEBUG)
    yield text
    console.setStream(usual)
    for one, before in zip(loggers, levels, strict=True):
        one.setLevel(before)


def ask_everything(world: World) -> list[str]:
    """Every route with success, then refused with a card number wherever a caller might put one. The answers that succeeded."""
    owner, answers = world.owner, []
    for number, route in enumerate(ROUTES):
        answers.append(owner.ask(route, owner.ids, **{"Idempotency-Key": f"key-{number}"}).content.decode())
    for route in ROUTES:
        ids = {name: unknown(name) for name in route.ids()}
        body = {**(route.filled_body(ids) or {}), "card": {"number": CARD, "cvc": "123"}, "payment_method_id": CARD, "type": CARD}
        method = getattr(owner.tenant.client, route.method.lower())
        separator = "&" if route.query else "?"
        address = f"{route.address(ids)}{separator}card={CARD}&client_secret={owner.tenant.token}"
        refused = method(address, body if route.method != "GET" else None, format="json", headers=owner.tenant.headers)
        assert CARD not in refused.content.decode(), route
        method(route.address(ids), body, format="json", headers={**owner.tenant.headers, "X-Developer-Token": f"{CARD}x"})
        method(route.address(ids), body, format="json", headers={"Authorization": f"Bearer {sign(claims(exp=1))}"})
    return answers


def fail_unexpectedly(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """A 500 whose exception holds a secret, as one of a library's may."""

    def fail(**_: object) -> None:
        raise ValueError(f"no such key: {secret} and {tenant.token} and {settings.STRIPE_SECRET_KEY}")

    with monkeypatch.context() as patch:
        patch.setattr("accounts.operations.find_account", fail)
        tenant.client.raise_request_exception = False
        assert tenant.post("/connected-accounts/login", {"account_id": unknown("account")}).status_code == 500


def pages_of(operator: Client) -> Iterator[tuple[str, str]]:
    """Every list, export and record of the admin."""
    for model in OWN_RECORDS:
        addresses = [list_page(model), *(record_page(record) for record in model._default_manager.order_by("-pk")[:3])]
        for address in [*addresses, list_page(model) + "export/"]:
            answer: Any = operator.get(address)
            content = answer.getvalue() if answer.streaming else answer.content
            if answer.status_code == 200:
                yield f"{model.__name__} {address}", content.decode()


def walk(world: World, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Everything is asked, opened, received and sent, and something fails. What callers were given on the way."""
    answers = ask_everything(world)
    given = {match[1] or match[2] or match[0] for answer in answers for match in GIVEN.finditer(answer)}
    for link in [match[0] for answer in answers for match in re.finditer(r"/onboarding/[^\"?\s]+", answer)]:
        world.owner.tenant.client.get(link)
    for event in told_by_stripe(world.owner.ids["account"]):
        send(event)
        send(event, secret=f"whsec_{'f' * 32}")
    work()
    for _ in range(3):
        deliver_next()
    fail_unexpectedly(world.owner.tenant, monkeypatch, next(one for one in given if "_secret_" in one))
    return given


class TestASecret:
    def test_is_found_nowhere_afterwards(self, transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        settings.JWT_KEYS = SECRET_KEYS
        with everything_logged() as log:
            world = make_world()
            given = walk(world, monkeypatch)
        assert len(given) >= 7, "the walk was given too few secrets to look for"

        secrets = {
            *given, CARD, SECRET, world.owner.tenant.token, world.developer.tenant.token, sign(claims(exp=1)),
            *world.owner.secrets, *(getattr(settings, name) for name in SETTINGS),
        }  # fmt: skip
        rows = {" ".join(key): row for key, row in all_rows().items() if not key[0].startswith(STRIPES_OWN)}
        pages = dict(pages_of(staff_client(superuser=True)))
        assert [where for where, text in rows.items() for secret in secrets if secret in text] == []
        assert [where for where, text in pages.items() if SandboxObject.__name__ not in where
                for secret in secrets if secret in text] == []  # fmt: skip
        written = log.getvalue()
        assert [line for line in written.splitlines() for secret in secrets if secret in line] == []
        assert len(pages) > len(OWN_RECORDS)
        assert written.count("\n") > 100


SETTINGS = (
    "SECRET_KEY", "TOKEN_HASH_KEY", "LINK_SIGNING_KEY", "ANSWER_ENCRYPTION_KEYS", "WEBHOOK_SECRET_KEYS", "STRIPE_WEBHOOK_SECRETS",
    "STRIPE_CONNECT_WEBHOOK_SECRETS", "ADMIN_PASSWORD", "STRIPE_SECRET_KEY",
)  # fmt: skip
