"""The security border of an app, and of an app and its user: every mixture of the headers, and the order of the answers."""

import itertools
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from commercecore_payments import clock
from commercecore_payments.tests.border import (
    FORBIDDEN,
    INVALID,
    NO_APP,
    NO_USER,
    TWO_APPS,
    UNAUTHORIZED,
    USER,
    AppUserView,
    AppView,
    caller,
    refusal,
)
from developers.models import App, Developer
from developers.tests.factories import AppFactory, make_token
from developers.tests.issuer import APP_ID, DEVELOPER_ID, SECRET_KEYS, claims, sign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.JWT_KEYS = SECRET_KEYS


class TestACallerWithAnApp:
    def test_is_known_by_the_app_and_the_user_that_it_names(self) -> None:
        app = AppFactory.create()
        row, text = make_token(app.developer)

        assert caller(AppUserView, {"X-Developer-Token": text, "X-App-ID": f" {app.id} ", "X-User-ID": f" {USER} "}) == {
            "developer": app.developer_id,
            "app": app.id,
            "user_id": USER,
            "token_id": str(row.pk),
            "auth": str(row.pk),
            "version": "2024-09-26",
            "documented": True,
        }

    def test_may_name_the_app_in_the_query_or_in_both_alike(self) -> None:
        app = AppFactory.create()
        _, text = make_token(app.developer)
        headers = {"Authorization": f"Bearer {text}", "X-User-ID": USER}

        for more, query in [
            ({}, f"?app_id={app.id}"),
            ({"X-App-ID": " "}, f"?app_id={app.id}"),
            ({"X-App-ID": app.id}, "?app_id="),
            ({"X-App-ID": app.id}, f"?app_id={app.id}&app_id={app.id}"),
        ]:
            assert caller(AppUserView, {**headers, **more}, query)["app"] == app.id

    def test_is_refused_where_two_apps_are_named(self) -> None:
        first = AppFactory.create()
        second = AppFactory.create(developer=first.developer)
        _, text = make_token(first.developer)
        headers = {"X-Developer-Token": text, "X-User-ID": USER}

        assert refusal(AppUserView, {**headers, "X-App-ID": first.id}, f"?app_id={second.id}") == TWO_APPS
        assert refusal(AppUserView, headers, f"?app_id={first.id}&app_id={second.id}") == TWO_APPS
        assert refusal(AppUserView, {"X-App-ID": first.id}, f"?app_id={second.id}") == TWO_APPS

    def test_is_answered_in_the_documented_order_for_every_mixture_of_headers(self) -> None:
        own, foreign = AppFactory.create(), AppFactory.create()
        disabled = AppFactory.create(developer=own.developer, disabled_at=clock.now())
        _, text = make_token(own.developer)
        apps = {"": NO_APP, " ": NO_APP, own.id: None, foreign.id: FORBIDDEN, disabled.id: FORBIDDEN, "ap_unknown": FORBIDDEN}
        users = {"": NO_USER, "  ": NO_USER, "u" * 256: NO_USER, "a\0b": NO_USER, USER: None}
        credentials = {"": UNAUTHORIZED, "Bearer ": UNAUTHORIZED, "wrong": INVALID, text: None, f"Bearer {text}": None}

        for app, user, token in itertools.product(apps, users, credentials):
            headers = {"X-App-ID": app, "X-User-ID": user, "X-Developer-Token": token}
            no_app = apps[app] if apps[app] == NO_APP else None
            expected = no_app or users[user] or credentials[token] or apps[app]
            if expected is None:
                assert caller(AppUserView, headers)["app"] == own.id
            else:
                assert refusal(AppUserView, headers) == expected, headers

    def test_asks_the_database_nothing_before_all_headers_are_there(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        app = AppFactory.create()
        _, text = make_token(app.developer)
        with django_assert_num_queries(0):
            assert refusal(AppUserView, {}) == NO_APP
            assert refusal(AppUserView, {"X-Developer-Token": text, "X-User-ID": USER}) == NO_APP
            assert refusal(AppUserView, {"X-Developer-Token": text, "X-App-ID": app.id}) == NO_USER
            assert refusal(AppUserView, {"X-App-ID": app.id, "X-User-ID": USER}) == UNAUTHORIZED

    def test_costs_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        app = AppFactory.create()
        _, text = make_token(app.developer)
        with django_assert_num_queries(1):
            caller(AppUserView, {"X-Developer-Token": text, "X-App-ID": app.id, "X-User-ID": USER})

    @pytest.mark.parametrize(
        "app_id",
        ["\0", "ap_\0", "ap_é", "☃", "\ud800", "ap_a,ap_b", "ap_", "de_abc", "' OR 1=1 --", "ap_" + "x" * 62, "x" * 2_000_000],
    )
    def test_is_refused_for_an_app_id_that_cannot_exist(
        self, app_id: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        _, text = make_token()
        with django_assert_num_queries(1):
            assert refusal(AppUserView, {"X-Developer-Token": text, "X-App-ID": app_id, "X-User-ID": USER}) == FORBIDDEN

    @pytest.mark.parametrize("query", ["?app_id=%00", "?app_id=%ff%fe", "?app_id=ap_%F0%9F%98%80", "?app_id=" + "x" * 100_000])
    def test_is_refused_for_such_an_app_id_in_the_query(self, query: str) -> None:
        _, text = make_token()

        assert refusal(AppUserView, {"X-Developer-Token": text, "X-User-ID": USER}, query) == FORBIDDEN

    @pytest.mark.parametrize(
        "user_id", ["\0", "a\0", "a\nb", "a\x1bb", "a\x7fb", "é", "☃", "\u202e", "\ud800", "\xa0", "u" * 256, "u" * 2_000_000]
    )
    def test_is_refused_for_a_user_id_that_is_not_short_printable_ascii(self, user_id: str) -> None:
        app = AppFactory.create()
        _, text = make_token(app.developer)

        assert refusal(AppUserView, {"X-Developer-Token": text, "X-App-ID": app.id, "X-User-ID": user_id}) == NO_USER

    @pytest.mark.parametrize("user_id", ["u", "u" * 255, "32e5a206-8aa5-49ab-b074-9d6a529cc42f", "jane doe <jane@example.com>"])
    def test_may_have_any_other_user_id(self, user_id: str) -> None:
        app = AppFactory.create()
        _, text = make_token(app.developer)

        headers = {"X-Developer-Token": text, "X-App-ID": app.id, "X-User-ID": user_id}
        assert caller(AppUserView, headers)["user_id"] == user_id

    def test_gains_nothing_by_its_user_id(self) -> None:
        app, foreign = AppFactory.create(), AppFactory.create()
        _, text = make_token(app.developer)

        for user_id in (foreign.developer_id, foreign.id, "admin"):
            answer = caller(AppUserView, {"X-Developer-Token": text, "X-App-ID": app.id, "X-User-ID": user_id})
            assert (answer["developer"], answer["app"]) == (app.developer_id, app.id)


class TestACallerWithAnAppAndNoUser:
    def test_is_known_by_the_app_whatever_user_it_names(self) -> None:
        app = AppFactory.create(api_version="2026-12-01")
        row, text = make_token(app.developer)

        for named in ({}, {"X-User-ID": USER}, {"X-User-ID": "u" * 256}):
            assert caller(AppView, {"X-Developer-Token": text, "X-App-ID": app.id, **named}) == {
                "developer": app.developer_id,
                "app": app.id,
                "user_id": "",
                "token_id": str(row.pk),
                "auth": str(row.pk),
                "version": "2026-12-01",
                "documented": False,
            }

    def test_is_answered_in_order_for_every_mixture_of_headers(self) -> None:
        own, foreign = AppFactory.create(), AppFactory.create()
        disabled = AppFactory.create(developer=own.developer, disabled_at=clock.now())
        _, text = make_token(own.developer)
        apps = {"": NO_APP, " ": NO_APP, own.id: None, foreign.id: FORBIDDEN, disabled.id: FORBIDDEN, "ap_unknown": FORBIDDEN}
        credentials = {"": UNAUTHORIZED, "Bearer ": UNAUTHORIZED, "wrong": INVALID, text: None, f"Bearer {text}": None}

        for app, token in itertools.product(apps, credentials):
            headers = {"X-App-ID": app, "X-Developer-Token": token}
            no_app = apps[app] if apps[app] == NO_APP else None
            expected = no_app or credentials[token] or apps[app]
            if expected is None:
                assert caller(AppView, headers)["app"] == own.id
            else:
                assert refusal(AppView, headers) == expected, headers

    def test_is_refused_where_two_apps_are_named(self) -> None:
        first = AppFactory.create()
        second = AppFactory.create(developer=first.developer)
        _, text = make_token(first.developer)

        assert refusal(AppView, {"X-Developer-Token": text, "X-App-ID": first.id}, f"?app_id={second.id}") == TWO_APPS

    def test_must_be_in_the_claim_of_a_json_web_token(self) -> None:
        own = AppFactory.create(developer__id=DEVELOPER_ID)

        assert refusal(AppView, {"X-Developer-Token": sign(), "X-App-ID": own.id}) == FORBIDDEN
        assert caller(AppView, {"X-Developer-Token": sign(), "X-App-ID": APP_ID})["app"] == APP_ID


class TestAnAppBehindAJsonWebToken:
    def headers(self, text: str, app_id: str = APP_ID) -> dict[str, str]:
        return {"X-Developer-Token": text, "X-App-ID": app_id, "X-User-ID": USER}

    def test_is_known_at_first_sight(self) -> None:
        answer = caller(AppUserView, self.headers(sign()))

        assert (answer["developer"], answer["app"], answer["user_id"]) == (DEVELOPER_ID, APP_ID, USER)
        assert answer["token_id"] == "jwt:a3f1c2"

    def test_is_named_by_the_header_and_not_by_the_claim_user_id(self) -> None:
        assert caller(AppUserView, {**self.headers(sign(claims(user_id="owner"))), "X-User-ID": "buyer"})["user_id"] == "buyer"

    def test_must_be_in_the_claim_though_it_is_the_developers_own(self) -> None:
        own = AppFactory.create(developer__id=DEVELOPER_ID)
        _, opaque = make_token(own.developer)

        assert refusal(AppUserView, self.headers(sign(), own.id)) == FORBIDDEN
        assert refusal(AppUserView, self.headers(sign(claims(app_ids=[])), own.id)) == FORBIDDEN
        assert caller(AppUserView, self.headers(opaque, own.id))["app"] == own.id

    def test_must_be_the_developers_own_though_it_is_in_the_claim(self) -> None:
        foreign = AppFactory.create(id=APP_ID)

        assert refusal(AppUserView, self.headers(sign())) == FORBIDDEN
        assert App.objects.get(id=APP_ID).developer_id == foreign.developer_id

    def test_must_not_be_disabled(self) -> None:
        AppFactory.create(id=APP_ID, developer__id=DEVELOPER_ID, disabled_at=clock.now())

        assert refusal(AppUserView, self.headers(sign())) == FORBIDDEN
        assert refusal(AppUserView, self.headers(make_token(Developer.objects.get())[1])) == FORBIDDEN

    def test_costs_four_queries_and_no_write_once_it_is_known(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        caller(AppUserView, self.headers(sign()))
        with django_assert_num_queries(4) as seen:
            caller(AppUserView, self.headers(sign()))
        assert {query["sql"].split()[0] for query in seen} == {"SELECT"}


class TestThePinOfAnApp:
    @pytest.mark.parametrize(
        ("pin", "header", "version"),
        [
            ("", None, "2024-09-26"),
            ("2024-09-26", None, "2024-09-26"),
            ("2026-12-01", None, "2026-12-01"),
            ("2026-12-01", "2024-09-26", "2024-09-26"),
            ("2024-09-26", "2026-12-01", "2026-12-01"),
        ],
    )
    def test_answers_where_the_request_names_no_version(self, pin: str, header: str | None, version: str) -> None:
        app = AppFactory.create(api_version=pin)
        _, text = make_token(app.developer)
        asked = {"CommerceCore-Version": header} if header else {}

        answer = caller(AppUserView, {"X-Developer-Token": text, "X-App-ID": app.id, "X-User-ID": USER, **asked})

        assert (answer["version"], answer["documented"]) == (version, version == "2024-09-26")
