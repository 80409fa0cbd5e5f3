"""The security border of a developer: where the token may stand, and that every bad one is answered alike."""

from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from commercecore_payments import clock
from commercecore_payments.authentication import Caller
from commercecore_payments.tests.border import INVALID, UNAUTHORIZED, USER, AppUserView, DeveloperView, caller, refusal
from developers import tokens
from developers.models import Developer, DeveloperToken
from developers.operations import revoke_json_web_token, revoke_token
from developers.tests.factories import AppFactory, DeveloperFactory, make_token
from developers.tests.issuer import DEVELOPER_ID, SECRET_KEYS, claims, sign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.JWT_KEYS = SECRET_KEYS


class TestADeveloperToken:
    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("X-Developer-Token", "{}"),
            ("X-Developer-Token", "Bearer {}"),
            ("X-Developer-Token", "bearer {}"),
            ("X-Developer-Token", "BEARER\t  {}"),
            ("X-Developer-Token", "  {}  "),
            ("Authorization", "Bearer {}"),
            ("Authorization", "bEaReR   {} "),
        ],
    )
    def test_is_taken_from_either_header(self, name: str, written: str) -> None:
        row, text = make_token()

        assert caller(DeveloperView, {name: written.format(text)}) == {
            "developer": row.developer_id,
            "app": None,
            "user_id": "",
            "token_id": str(row.pk),
            "auth": str(row.pk),
            "version": "2024-09-26",
            "documented": True,
        }
        assert caller(DeveloperView, {name: written.format(sign())})["token_id"] == "jwt:a3f1c2"

    def test_alone_counts_on_routes_of_the_developer(self) -> None:
        row, text = make_token()
        foreign = AppFactory.create(api_version="2026-12-01")

        answer = caller(DeveloperView, {"X-Developer-Token": text, "X-App-ID": foreign.id, "X-User-ID": USER})

        assert (answer["developer"], answer["app"], answer["user_id"]) == (row.developer_id, None, "")
        assert answer["version"] == "2024-09-26"

    def test_of_the_header_of_our_own_wins(self) -> None:
        row, text = make_token()
        _, other = make_token()

        both = {"X-Developer-Token": text, "Authorization": f"Bearer {other}"}
        assert caller(DeveloperView, both)["developer"] == row.developer_id
        assert refusal(DeveloperView, {"X-Developer-Token": "wrong", "Authorization": f"Bearer {text}"}) == INVALID
        assert caller(DeveloperView, {"X-Developer-Token": text, "Authorization": "Bearer wrong"})["token_id"] == str(row.pk)

    @pytest.mark.parametrize("blank", ["", " ", "Bearer", "Bearer ", "bearer\t", "\xa0"])
    def test_gives_way_where_it_is_blank(self, blank: str) -> None:
        row, text = make_token()

        assert caller(DeveloperView, {"X-Developer-Token": blank, "Authorization": f"Bearer {text}"})["token_id"] == str(row.pk)
        assert refusal(DeveloperView, {"X-Developer-Token": blank}) == UNAUTHORIZED
        assert refusal(DeveloperView, {"Authorization": blank}) == UNAUTHORIZED
        assert refusal(DeveloperView, {"X-Developer-Token": blank, "Authorization": blank}) == UNAUTHORIZED

    def test_is_missing_where_no_header_carries_one(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        _, text = make_token()
        with django_assert_num_queries(0):
            assert refusal(DeveloperView, {}) == UNAUTHORIZED
            assert refusal(DeveloperView, {"Authorization": text}) == UNAUTHORIZED
            assert refusal(DeveloperView, {"Authorization": f"Basic {text}"}) == UNAUTHORIZED
            assert refusal(DeveloperView, {"Authorization": f"Bearer{text}"}) == UNAUTHORIZED
            assert refusal(DeveloperView, {"X-Token": text}, f"?developer_token={text}") == UNAUTHORIZED

    def test_costs_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        _, text = make_token()
        with django_assert_num_queries(1):
            caller(DeveloperView, {"X-Developer-Token": text})


class TestABadToken:
    def test_is_answered_alike_for_every_reason(self, settings: Any) -> None:
        good, text = make_token()
        revoked, revoked_text = make_token()
        revoke_token(token=revoked)
        expired, expired_text = make_token()
        DeveloperToken.objects.filter(pk=expired.pk).update(
            created_at=clock.now() - timedelta(days=2), expires_at=clock.now() - timedelta(seconds=1)
        )
        _, disabled_text = make_token(disabled := DeveloperFactory.create())
        Developer.objects.filter(pk=disabled.pk).update(disabled_at=clock.now())
        settings.STRIPE_ENVIRONMENT = "test"
        _, foreign_text = make_token(good.developer)
        settings.STRIPE_ENVIRONMENT = "sandbox"
        revoke_json_web_token(kid="shared", jti="revoked")
        bad = {
            "revoked": revoked_text,
            "expired": expired_text,
            "of a disabled developer": disabled_text,
            "of another environment": foreign_text,
            "never issued": tokens.make("sandbox").text,
            "mistyped": text[:-1] + ("b" if text[-1] == "a" else "a"),
            "cut off": text[:-1],
            "the shown prefix": good.prefix,
            "the stored digest": good.digest,
            "an older kind": "214c0063-6017-46be-a9a7-a633ac55e65d",
            "two schemes": f"Bearer Bearer {text}",
            "two tokens": f"{text},{text}",
            "a JWT of a disabled developer": sign(claims(developer_id=disabled.id)),
            "a JWT that has expired": sign(claims(exp=int(clock.now().timestamp()) - 1)),
            "a JWT from the future": sign(claims(iat=int(clock.now().timestamp()) + 60)),
            "a JWT without expiry": sign(claims(exp=...)),
            "a JWT without signature": sign().rsplit(".", 1)[0] + ".",
            "a JWT of an unknown key": sign(kid="unknown"),
            "a JWT for refreshing": sign(claims(token_type="refresh")),
            "a JWT that was revoked": sign(claims(jti="revoked")),
        }
        app = AppFactory.create(developer=good.developer)

        assert {why: refusal(DeveloperView, {"X-Developer-Token": token}) for why, token in bad.items()} == dict.fromkeys(
            bad, INVALID
        )
        assert {why: refusal(DeveloperView, {"Authorization": f"Bearer {token}"}) for why, token in bad.items()} == dict.fromkeys(
            bad, INVALID
        )
        assert {
            why: refusal(AppUserView, {"X-Developer-Token": token, "X-App-ID": app.id, "X-User-ID": USER})
            for why, token in bad.items()
        } == dict.fromkeys(bad, INVALID)
        assert caller(DeveloperView, {"X-Developer-Token": text})["developer"] == good.developer_id

    @pytest.mark.parametrize(
        "text",
        ["\0", "cct_sandbox_\0", "é", "☃", "\ud800", "\xff\xfe", "a.b.c", "." * 8000, "cct_" * 2000, "A" * 8193, "A" * 2_000_000],
    )
    def test_is_never_more_than_refused_and_never_looked_up(
        self, text: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            assert refusal(DeveloperView, {"X-Developer-Token": text}) == INVALID
            assert refusal(DeveloperView, {"Authorization": f"Bearer {text}"}) == INVALID

    def test_is_too_long_above_8_192_characters_though_its_signature_is_good(self) -> None:
        good = sign(claims(padding="x" * 5_000))
        long = sign(claims(padding="x" * 6_200))

        assert len(good) < 8_192 < len(long)
        assert caller(DeveloperView, {"X-Developer-Token": good})["developer"] == DEVELOPER_ID
        assert refusal(DeveloperView, {"X-Developer-Token": long}) == INVALID


class TestACaller:
    def test_is_authenticated_and_cannot_be_changed(self) -> None:
        someone = Caller(developer=DeveloperFactory.build(), app=None, user_id="", token_id="1")

        assert someone.is_authenticated is True
        with pytest.raises(FrozenInstanceError):
            someone.user_id = "another"  # type: ignore[misc]
