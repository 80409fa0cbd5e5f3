"""What opens a route: every route of the API with every mistake in its token, its app and its user, and all mixtures of them.

What else the headers may look like, test_authentication.py and test_app_authentication.py ask of the classes behind the routes.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from commercecore_payments import clock
from commercecore_payments.tests.border import FORBIDDEN, INVALID, NO_APP, NO_USER, TWO_APPS, UNAUTHORIZED
from commercecore_payments.tests.matrix.routes import ROUTES, Opened, Route
from commercecore_payments.tests.matrix.rows import all_rows, moved
from commercecore_payments.tests.matrix.world import unknown
from commercecore_payments.tests.tenants import Tenant
from developers import tokens
from developers.models import Developer, DeveloperToken
from developers.operations import revoke_json_web_token, revoke_token
from developers.tests.factories import AppFactory, DeveloperFactory, make_token
from developers.tests.issuer import SECRET_KEYS, claims, sign

Refusal = tuple[int, str, str]


@dataclass(frozen=True)
class Sent:
    """What a caller sends in one header, and what it is answered where nothing that is looked at before is wrong."""

    why: str
    value: str | None
    refusal: Refusal | None = None

    def header(self, name: str) -> dict[str, str]:
        return {} if self.value is None else {name: self.value}


@pytest.fixture
def callers(tenant: Tenant, settings: Any) -> tuple[list[Sent], list[Sent], list[Sent]]:
    """Tokens, apps and users, the good one of each first."""
    settings.JWT_KEYS = SECRET_KEYS
    settings.STRIPE_ENVIRONMENT = "test"
    _, of_another_environment = make_token(tenant.developer)
    settings.STRIPE_ENVIRONMENT = "sandbox"
    revoked, revoked_text = make_token(tenant.developer)
    revoke_token(token=revoked)
    expired, expired_text = make_token(tenant.developer)
    DeveloperToken.objects.filter(pk=expired.pk).update(
        created_at=clock.now() - timedelta(days=2), expires_at=clock.now() - timedelta(seconds=1)
    )
    _, of_a_disabled_developer = make_token(disabled := DeveloperFactory.create())
    Developer.objects.filter(pk=disabled.pk).update(disabled_at=clock.now())
    revoke_json_web_token(kid="shared", jti="revoked")
    of_tenant = {"developer_id": tenant.developer.pk, "app_ids": [tenant.app.pk]}
    found = [
        Sent("good", tenant.token),
        Sent("missing", None, UNAUTHORIZED),
        Sent("blank", "  ", UNAUTHORIZED),
        Sent("a scheme alone", "Bearer ", UNAUTHORIZED),
        Sent("malformed", "wrong", INVALID),
        Sent("never issued", tokens.make("sandbox").text, INVALID),
        Sent("doubled", f"{tenant.token},{tenant.token}", INVALID),
        Sent("too long", "x" * 8193, INVALID),
        Sent("expired", expired_text, INVALID),
        Sent("revoked", revoked_text, INVALID),
        Sent("of a disabled developer", of_a_disabled_developer, INVALID),
        Sent("of another environment", of_another_environment, INVALID),
        Sent("a JWT that has expired", sign(claims(**of_tenant, exp=1)), INVALID),
        Sent("a JWT that was revoked", sign(claims(**of_tenant, jti="revoked")), INVALID),
        Sent("a JWT of a disabled developer", sign(claims(developer_id=disabled.pk)), INVALID),
    ]
    return found, _apps(tenant), _users(tenant)


def _apps(tenant: Tenant) -> list[Sent]:
    foreign, disabled = AppFactory.create(), AppFactory.create(developer=tenant.developer, disabled_at=clock.now())
    return [
        Sent("good", tenant.app.pk),
        Sent("missing", None, NO_APP),
        Sent("blank", " ", NO_APP),
        Sent("malformed", "ap_é☃".encode().decode("latin-1"), FORBIDDEN),
        Sent("unknown", "ap_unknown", FORBIDDEN),
        Sent("doubled", f"{tenant.app.pk},{tenant.app.pk}", FORBIDDEN),
        Sent("another developer's", foreign.pk, FORBIDDEN),
        Sent("disabled", disabled.pk, FORBIDDEN),
    ]


def _users(tenant: Tenant) -> list[Sent]:
    return [
        Sent("good", tenant.user_id),
        Sent("missing", None, NO_USER),
        Sent("blank", " ", NO_USER),
        Sent("malformed", "a\x1bb", NO_USER),
        Sent("doubled", "usr_ada,usr_bob", NO_USER),
        Sent("too long", "u" * 256, NO_USER),
    ]


def mixtures(callers: tuple[list[Sent], list[Sent], list[Sent]]) -> Iterable[tuple[Sent, Sent, Sent]]:
    """Each mistake alone, and all mixtures of a good, a missing and a wrong one."""
    goods = tuple(sent[0] for sent in callers)
    for place, sent in enumerate(callers):
        for one in sent[1:]:
            yield *goods[:place], one, *goods[place + 1 :]  # type: ignore[misc]
    yield from itertools.product(*((sent[0], sent[1], sent[4]) for sent in callers))


def expected(route: Route, token: Sent, app: Sent, user: Sent) -> Refusal | None:
    """The documented order: the app id is there, the user id is there, the token is good, the app is the token's."""
    if route.opened == Opened.BY_ANYBODY:
        return None
    looked_at = [token.refusal]
    if route.opened >= Opened.BY_APP:
        looked_at = [app.refusal if app.refusal == NO_APP else None, token.refusal, app.refusal]
    if route.opened == Opened.BY_USER:
        looked_at.insert(1, user.refusal)
    return next((refusal for refusal in looked_at if refusal is not None), None)


def ask(tenant: Tenant, route: Route, headers: Mapping[str, str], query: str = "") -> Any:
    """Asked for what nobody has, under an Idempotency-Key: nothing of it may be looked for, and no key kept."""
    ids = {name: unknown(name) for name in route.ids()}
    method = getattr(tenant.client, route.method.lower())
    address = route.address(ids) + query
    return method(address, route.filled_body(ids), format="json", headers={"Idempotency-Key": "key", **headers})


def told(answer: Any) -> Refusal:
    body = json.loads(answer.content)
    refusal = answer.status_code, body["detail"], body.get("details", {}).get("code")
    challenge = answer.headers.get("WWW-Authenticate")
    return refusal if challenge == ('Bearer realm="api"' if answer.status_code == 401 else None) else (0, str(challenge), "")


class TestARoute:
    def test_is_opened_by_its_own_token_app_and_user_and_says_what_is_wrong_in_order(
        self, tenant: Tenant, callers: tuple[list[Sent], list[Sent], list[Sent]]
    ) -> None:
        before, wrong, asked = all_rows(), list[str](), 0
        for route in {route.key: route for route in ROUTES}.values():
            for token, app, user in mixtures(callers):
                refusal = expected(route, token, app, user)
                if refusal is None:
                    continue
                headers = {**token.header("X-Developer-Token"), **app.header("X-App-ID"), **user.header("X-User-ID")}
                found, asked = told(ask(tenant, route, headers)), asked + 1
                if found != refusal:
                    wrong.append(f"{route}: token {token.why}, app {app.why}, user {user.why}: {found} and not {refusal}")
        assert wrong == []
        assert moved(before, all_rows()) == {"made": [], "changed": []}
        assert asked > 1000

    def test_reads_the_token_of_the_other_header_and_the_app_of_the_query_alike(
        self, tenant: Tenant, callers: tuple[list[Sent], list[Sent], list[Sent]]
    ) -> None:
        foreign, wrong = AppFactory.create(), list[str]()
        before = all_rows()
        good = {"X-User-ID": tenant.user_id}
        for route in {route.key: route for route in ROUTES if route.opened != Opened.BY_ANYBODY}.values():
            for token in callers[0][1:]:
                authorization = {"Authorization": f"Bearer {(token.value or '').removeprefix('Bearer ')}"}
                found = told(ask(tenant, route, {**good, "X-App-ID": tenant.app.pk, **authorization}))
                wrong += [f"{route}: token {token.why}: {found}"] if found != token.refusal else []
            if route.opened >= Opened.BY_APP:
                sign = "&" if route.query else "?"
                both = {**good, "X-Developer-Token": tenant.token, "X-App-ID": tenant.app.pk}
                found = told(ask(tenant, route, both, f"{sign}app_id={foreign.pk}"))
                wrong += [f"{route}: two apps: {found}"] if found != TWO_APPS else []
                del both["X-App-ID"]
                found = told(ask(tenant, route, both, f"{sign}app_id={foreign.pk}"))
                wrong += [f"{route}: a foreign app in the query: {found}"] if found != FORBIDDEN else []
        assert wrong == []
        assert moved(before, all_rows()) == {"made": [], "changed": []}
