"""Whose is whose: every route of the API with every id that it takes, asked by everybody to whom it does not belong."""

import json
import re
from typing import Any

from commercecore_payments.tests.matrix.routes import OWNERS, ROUTES, Opened, Owner, Route, served
from commercecore_payments.tests.matrix.rows import Rows, all_rows, moved
from commercecore_payments.tests.matrix.world import Member, World, make_world, unknown
from idempotency.models import IdempotencyKey
from idempotency.requests import KEYED_METHODS


def test_the_table_has_every_route_and_no_other() -> None:
    named = {route.key for route in ROUTES}
    assert sorted(served() - named) == [], "Routes without a line in commercecore_payments/tests/matrix/routes.py"
    assert sorted(named - served()) == [], "Lines of commercecore_payments/tests/matrix/routes.py without a route"


class TestAStranger:
    def test_finds_nothing_moves_nothing_and_is_shown_nothing(self, transactional_db: None) -> None:
        world, wrong = make_world(), list[str]()
        wrong += [problem for route in ROUTES if route.is_list for problem in shown_by_list(world, route)]
        before = all_rows()
        for route in ROUTES:
            for name in route.ids():
                for stranger in world.strangers_to(OWNERS[name]):
                    problems = refused(world, route, name, stranger)
                    after = all_rows()
                    problems += [f"moved {row}" for row in touched(before, after, route, name)]
                    wrong += [f"{route}, {name} named by another {stranger.name}: {problem}" for problem in problems]
                    before = after
        assert wrong == []

    def test_is_not_given_the_answer_that_a_key_keeps(self, transactional_db: None) -> None:
        """The owner is answered first, each time with success: so the table asks for what exists."""
        world, wrong = make_world(), list[str]()
        for number, route in enumerate(ROUTES):
            key = {"Idempotency-Key": f"key-{number}"}
            answer = world.owner.ask(route, world.owner.ids, **key)
            if answer.status_code != route.answers:
                wrong.append(f"{route} by the owner: {answer.status_code} {answer.content.decode()}")
            if route.method in KEYED_METHODS:
                wrong += [f"{route}, repeated by another {problem}" for problem in replays(world, route, key)]
        assert wrong == []


def shown_by_list(world: World, route: Route) -> list[str]:
    """What is wrong with a list: its owner has to find something of his own there, and nobody else anything of the owner's."""
    wrong = (
        [] if any(one in text_of(world.owner.ask(route, {})) for one in world.owner.ids.values()) else [f"{route} shows nothing"]
    )
    for stranger in world.strangers():
        shown = revealed(stranger.ask(route, {}), world, stranger)
        wrong += [f"{route} shows another {stranger.name} {what}" for what in shown]
    return wrong


def refused(world: World, route: Route, name: str, stranger: Member) -> list[str]:
    """What is wrong with the answer to a stranger who names one id of the owner's beside its own others."""
    foreign = stranger.ask(route, {**stranger.ids, name: world.owner.ids[name]})
    nobodys = stranger.ask(route, {**stranger.ids, name: unknown(name)})
    wrong = [f"shows {what}" for what in revealed(foreign, world, stranger, sent=name)]
    if foreign.status_code != route.foreign and name not in route.passes_on:
        wrong.append(f"answers {foreign.status_code} {foreign.content.decode()}")
    if told(foreign, world.owner.ids[name]) != told(nobodys, unknown(name)):
        wrong.append(f"differs from what nobody has: {foreign.content.decode()} {nobodys.content.decode()}")
    return wrong


def told(answer: Any, sent: str) -> tuple[int, str]:
    """Status and body, without what is of this request alone."""
    body = answer.json()
    body["meta"].pop("request_path", None)
    return answer.status_code, re.sub(r"req_\w+", "req_", json.dumps(body)).replace(sent, "<the id>")


def revealed(answer: Any, world: World, stranger: Member, *, sent: str = "") -> list[str]:
    """The ids and secrets that an answer holds, that are not the stranger's, and that the stranger did not send."""
    text, owner = text_of(answer), world.owner
    foreign = [name for name, kind in OWNERS.items() if stranger in world.strangers_to(kind) and name != sent]
    shown = [name for name in foreign if owner.ids[name] in text]
    return [*shown, *("a secret" for secret in owner.secrets if secret not in stranger.secrets and secret in text)]


def text_of(answer: Any) -> str:
    return f"{answer.headers}{answer.content.decode()}"


def touched(before: Rows, after: Rows, route: Route, name: str) -> list[str]:
    """The rows that moved and had to stay. Where Stripe alone can judge an id, a stranger's own may move."""
    found = moved(before, after)
    return [] if name in route.passes_on else [*found["made"], *found["changed"]]


def replays(world: World, route: Route, key: dict[str, str]) -> list[str]:
    """What is wrong where strangers send the owner's very request again, under its Idempotency-Key."""
    wrong: list[str] = []
    for stranger in world.strangers_to(Owner(route.opened)) if route.opened != Opened.BY_USER else world.strangers():
        before, keys = all_rows(but=[IdempotencyKey]), keys_of(world.owner)
        answer = stranger.ask(route, world.owner.ids, **key)
        is_same_scope = stranger.tenant.app == world.owner.tenant.app
        if "Idempotent-Replayed" in answer.headers:
            wrong.append(f"{stranger.name} is given the answer")
        if is_same_scope and answer.json()["details"]["code"] != "idempotency_key_reused":
            wrong.append(f"{stranger.name}: {answer.status_code}")
        if keys_of(world.owner) != keys:
            wrong.append(f"{stranger.name} changed the key")
        after = all_rows(but=[IdempotencyKey])
        if answer.status_code >= 300 and not route.passes_on and before != after:
            wrong.append(f"{stranger.name} moved {moved(before, after)}")
    return wrong


def keys_of(owner: Member) -> list[Any]:
    rows = IdempotencyKey.objects.filter(developer=owner.tenant.developer, app_id__in=("", owner.tenant.app.pk))
    return list(rows.order_by("pk").values())
