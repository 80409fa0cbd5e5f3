"""Issuing, revoking and recognising tokens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import serializers
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from commercecore_payments import clock
from developers import operations, tokens
from developers.errors import AppForbidden, DeveloperDisabled, ExpiryInThePast, InvalidToken
from developers.models import App, Developer, DeveloperToken, RevokedJsonWebToken
from developers.operations import Credential
from developers.tests.factories import AppFactory, DeveloperFactory, make_token
from developers.tests.issuer import APP_ID, DEVELOPER_ID, SECRET_KEYS, claims, sign

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.JWT_KEYS = SECRET_KEYS


def refused(text: str) -> bool:
    with pytest.raises(InvalidToken):
        operations.authenticate_token(text=text)
    return True


class TestCreatingADeveloper:
    def test_makes_a_first_app_of_the_same_name(self) -> None:
        developer, app = operations.create_developer(name="Acme")

        assert (developer.name, app.name, app.developer) == ("Acme", "Acme", developer)
        assert developer.id.startswith("de_")
        assert app.id.startswith("ap_")
        assert (developer.disabled_at, app.disabled_at, app.api_version) == (None, None, "")


class TestIssuingAToken:
    def test_gives_a_row_and_the_clear_text_once(self) -> None:
        developer = DeveloperFactory.create()
        with time_machine.travel(NOON, tick=False):
            row, text = operations.issue_token(developer=developer, name="deploy", expires_at=NOON + timedelta(days=1))

        row.refresh_from_db()
        assert (row.developer, row.environment, row.name) == (developer, "sandbox", "deploy")
        assert (row.created_at, row.expires_at, row.revoked_at) == (NOON, NOON + timedelta(days=1), None)
        assert row.prefix == text[:20]
        assert str(row) == f"{text[:20]}…"
        with time_machine.travel(NOON + timedelta(hours=1), tick=False):
            opened = operations.authenticate_opaque(text=text)
        assert opened == Credential(developer=developer, token_id=str(row.pk), app_ids=None)

    def test_leaves_nothing_in_the_database_that_works(self) -> None:
        _, text = make_token()
        rows = [*Developer.objects.all(), *App.objects.all(), *DeveloperToken.objects.all()]
        dump = serializers.serialize("json", rows)
        stored = [str(value) for row in rows for value in vars(row).values()]

        assert text not in dump
        assert text[21:] not in dump
        assert all(refused(value) for value in stored)
        assert all(refused(f"cct_sandbox_{value}") for value in stored)

    def test_is_refused_for_an_expiry_that_is_not_ahead(self) -> None:
        developer = DeveloperFactory.create()
        with time_machine.travel(NOON, tick=False):
            for expires_at in (NOON, NOON - timedelta(seconds=1)):
                with pytest.raises(ExpiryInThePast):
                    operations.issue_token(developer=developer, name="", expires_at=expires_at)

        assert DeveloperToken.objects.count() == 0

    def test_is_refused_for_a_disabled_developer(self) -> None:
        with pytest.raises(DeveloperDisabled):
            operations.issue_token(developer=DeveloperFactory.create(disabled_at=clock.now()), name="")

        assert DeveloperToken.objects.count() == 0

    def test_never_stores_an_expiry_before_the_creation(self) -> None:
        row, _ = make_token()
        row.expires_at = row.created_at
        with pytest.raises(IntegrityError):
            row.save()


class TestAnOpaqueToken:
    def test_is_recognised_in_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        row, text = make_token()

        with django_assert_num_queries(1):
            credential = operations.authenticate_token(text=text)
            assert credential.developer.name == row.developer.name

    def test_is_refused_without_a_query_where_it_is_mistyped_or_of_another_environment(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        _, text = make_token()
        last = "b" if text[-1] == "a" else "a"

        with django_assert_num_queries(0):
            assert refused(text[:-1] + last)
            assert refused(tokens.make("live").text)
            assert refused(tokens.make("test").text)

    def test_is_refused_where_nobody_issued_it(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(1):
            assert refused(tokens.make("sandbox").text)

    def test_of_the_sandbox_opens_nothing_live(self, settings: Any) -> None:
        _, text = make_token()
        settings.STRIPE_ENVIRONMENT = "live"
        live_row, live_text = make_token()

        assert refused(text)
        assert list(DeveloperToken.objects.all()) == [live_row]
        assert operations.authenticate_token(text=live_text).token_id == str(live_row.pk)

    def test_under_another_hash_key_is_unknown(self, settings: Any) -> None:
        _, text = make_token()
        settings.TOKEN_HASH_KEY = "a new key, which makes every issued token unknown"

        assert refused(text)

    def test_works_until_its_expiry(self) -> None:
        with time_machine.travel(NOON, tick=False) as traveller:
            row, text = make_token(expires_at=NOON + timedelta(hours=1))
            traveller.shift(timedelta(seconds=3599))
            assert operations.authenticate_token(text=text).token_id == str(row.pk)
            traveller.shift(timedelta(seconds=1))
            assert refused(text)

    def test_of_a_disabled_developer_is_refused_until_it_is_enabled_again(self) -> None:
        row, text = make_token()
        Developer.objects.update(disabled_at=clock.now())
        assert refused(text)

        Developer.objects.update(disabled_at=None)
        assert operations.authenticate_token(text=text).token_id == str(row.pk)


class TestRevokingAToken:
    def test_closes_it_and_no_other(self) -> None:
        row, text = make_token()
        other, other_text = make_token(row.developer)
        with time_machine.travel(NOON, tick=False):
            assert operations.revoke_token(token=row).revoked_at == NOON

        assert refused(text)
        assert operations.authenticate_token(text=other_text).token_id == str(other.pk)

    def test_twice_keeps_the_first_moment(self) -> None:
        row, _ = make_token()
        stale = DeveloperToken.objects.get(pk=row.pk)
        with time_machine.travel(NOON, tick=False):
            operations.revoke_token(token=row)
        with time_machine.travel(NOON + timedelta(days=1), tick=False):
            assert operations.revoke_token(token=stale).revoked_at == NOON


class TestAJsonWebToken:
    def test_makes_its_developer_and_apps_known_at_first_sight(self) -> None:
        credential = operations.authenticate_token(text=sign(claims(app_ids=[APP_ID, "ap_second"])))

        assert (credential.developer.id, credential.token_id) == (DEVELOPER_ID, "jwt:a3f1c2")
        assert credential.app_ids == {APP_ID, "ap_second"}
        assert Developer.objects.get().id == DEVELOPER_ID
        assert set(App.objects.values_list("id", "developer_id")) == {(APP_ID, DEVELOPER_ID), ("ap_second", DEVELOPER_ID)}

    def test_writes_nothing_at_second_sight(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        operations.authenticate_token(text=sign())

        with django_assert_num_queries(3) as seen:
            operations.authenticate_token(text=sign())
        assert [query["sql"][:6] for query in seen] == ["SELECT"] * 3

    def test_adds_an_app_that_it_names_later(self) -> None:
        operations.authenticate_token(text=sign())
        operations.authenticate_token(text=sign(claims(app_ids=["ap_later"])))

        assert set(App.objects.values_list("id", flat=True)) == {APP_ID, "ap_later"}

    def test_leaves_the_names_and_pins_of_what_is_known(self) -> None:
        developer = DeveloperFactory.create(id=DEVELOPER_ID, name="Acme")
        AppFactory.create(id=APP_ID, developer=developer, name="Shop", api_version="2026-12-01")

        operations.authenticate_token(text=sign())

        assert Developer.objects.get().name == "Acme"
        assert App.objects.values_list("name", "api_version").get() == ("Shop", "2026-12-01")

    def test_never_takes_an_app_from_its_developer(self) -> None:
        foreign = AppFactory.create(id=APP_ID)

        credential = operations.authenticate_token(text=sign(claims(app_ids=[APP_ID, "ap_own"])))

        assert App.objects.get(id=APP_ID).developer == foreign.developer
        assert App.objects.get(id="ap_own").developer_id == DEVELOPER_ID
        with pytest.raises(AppForbidden):
            operations.find_app(credential=credential, app_id=APP_ID)

    def test_of_a_disabled_developer_is_refused_and_adds_nothing(self) -> None:
        DeveloperFactory.create(id=DEVELOPER_ID, disabled_at=NOON)

        assert refused(sign())
        assert Developer.objects.get().disabled_at == NOON
        assert App.objects.count() == 0

    def test_leaves_a_disabled_app_disabled(self) -> None:
        AppFactory.create(id=APP_ID, developer__id=DEVELOPER_ID, disabled_at=NOON)

        credential = operations.authenticate_token(text=sign())

        assert App.objects.get().disabled_at == NOON
        with pytest.raises(AppForbidden):
            operations.find_app(credential=credential, app_id=APP_ID)

    def test_is_refused_once_its_jti_is_revoked(self) -> None:
        operations.revoke_json_web_token(kid="shared", jti="a3f1c2", reason="leaked")

        assert refused(sign())
        assert Developer.objects.count() == 0
        assert operations.authenticate_token(text=sign(claims(jti="another"))).token_id == "jwt:another"

    def test_is_refused_once_its_jti_is_revoked_though_it_names_no_kid(self) -> None:
        operations.revoke_json_web_token(kid="shared", jti="a3f1c2")

        assert refused(sign(kid=None))

    def test_of_another_key_keeps_working_when_the_same_jti_is_revoked(self) -> None:
        operations.revoke_json_web_token(kid="other", jti="a3f1c2")

        assert operations.authenticate_token(text=sign()).token_id == "jwt:a3f1c2"

    def test_is_revoked_once(self) -> None:
        first = operations.revoke_json_web_token(kid="shared", jti="a3f1c2", reason="leaked")
        second = operations.revoke_json_web_token(kid="shared", jti="a3f1c2", reason="again")

        assert (second.pk, second.reason, RevokedJsonWebToken.objects.count()) == (first.pk, "leaked", 1)

    @pytest.mark.parametrize("changes", [{"developer_id": "de_" + "x" * 62}, {"app_ids": ["ap_good", "ap_" + "x" * 62]}])
    def test_with_one_id_too_long_is_refused_whole(self, changes: dict[str, Any]) -> None:
        assert refused(sign(claims(**changes)))
        assert (Developer.objects.count(), App.objects.count()) == (0, 0)


class TestFindingAnApp:
    def test_gives_the_developers_own(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        app = AppFactory.create()
        for app_ids in (None, frozenset({app.id})):
            credential = Credential(developer=app.developer, token_id="1", app_ids=app_ids)
            with django_assert_num_queries(1):
                assert operations.find_app(credential=credential, app_id=app.id) == app

    def test_says_the_same_of_every_app_that_may_not_be_used(self) -> None:
        own, foreign = AppFactory.create(), AppFactory.create()
        disabled = AppFactory.create(developer=own.developer, disabled_at=clock.now())
        everything = Credential(developer=own.developer, token_id="1", app_ids=None)
        nothing = Credential(developer=own.developer, token_id="jwt:1", app_ids=frozenset())

        told = set()
        cases = [(everything, foreign.id), (everything, disabled.id), (everything, "ap_unknown"), (nothing, own.id)]
        for credential, app_id in [*cases, *((everything, text) for text in ("", "ap_\0", "ap_\ud800", "x" * 10**6))]:
            with pytest.raises(AppForbidden) as caught:
                operations.find_app(credential=credential, app_id=app_id)
            told.add((caught.value.message, caught.value.code, caught.value.status))
        assert told == {("This app may not be used with this token.", "app_forbidden", 403)}
