"""Logging in to the admin: who fails too often is locked out for a while."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F
from django.test import Client, RequestFactory
from django.urls import reverse

from commercecore_payments.clock import now
from commercecore_payments.login_form import BUSY, LoginForm
from commercecore_payments.login_lockout import client_address
from commercecore_payments.tests.admin_pages import html_of, staff_client

PASSWORD = "correct horse"
FORM, LOCKED, LET_IN = 200, 429, 302


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


def log_in(password: str, *, name: str = "ada", address: str = "192.0.2.1") -> Any:
    """Posts the form from this address, with a browser of its own."""
    return Client(REMOTE_ADDR=address).post(reverse("admin:login"), {"username": name, "password": password, "next": "/admin/"})


def fail(number: int, *, name: str = "ada", address: str = "192.0.2.1") -> list[int]:
    """The answers' statuses to so many wrong passwords."""
    return [log_in("wrong", name=name, address=address).status_code for _ in range(number)]


class TestALogin:
    def test_is_locked_out_at_the_fifth_wrong_password_with_the_right_one_too(self, ada: User) -> None:
        assert fail(5) == [FORM] * 4 + [LOCKED]
        answer = log_in(PASSWORD)
        assert (answer.status_code, answer["Retry-After"]) == (LOCKED, "1800")
        assert "For 30 minutes after the last attempt none is accepted" in answer.content.decode()

    def test_works_after_four_wrong_passwords_and_begins_to_count_anew(self, ada: User) -> None:
        assert [*fail(4), log_in(PASSWORD).status_code, *fail(4)] == [FORM] * 4 + [LET_IN] + [FORM] * 4

    def test_works_again_half_an_hour_after_the_last_wrong_password_whatever_was_tried_meanwhile(self, ada: User) -> None:
        fail(5)
        AccessAttempt.objects.update(attempt_time=now() - timedelta(minutes=29, seconds=50))
        assert fail(1) == [LOCKED]
        assert log_in(PASSWORD).status_code == LOCKED
        later = timedelta(seconds=11)  # what was written just now is as old as it is, and the tries did not touch it
        AccessAttempt.objects.update(attempt_time=F("attempt_time") - later)
        assert log_in(PASSWORD).status_code == LET_IN

    def test_is_locked_out_at_one_address_and_not_at_another(self, ada: User) -> None:
        fail(5)
        assert log_in(PASSWORD, address="192.0.2.2").status_code == LET_IN

    def test_is_locked_out_everywhere_after_twenty_wrong_passwords_from_anywhere(self, ada: User) -> None:
        for machine in range(10, 14):
            fail(4, address=f"192.0.2.{machine}")
        assert fail(3, address="192.0.2.14") == [FORM] * 3
        assert fail(1, address="192.0.2.14") == [LOCKED]
        assert log_in(PASSWORD, address="192.0.2.99").status_code == LOCKED

    def test_tells_nobody_whether_there_is_such_a_user(self, ada: User) -> None:
        def without_token(answer: Any) -> str:
            return str(answer.context["form"].errors if answer.status_code == FORM else answer.content.decode())

        answers = {name: [without_token(log_in("wrong", name=name)) for _ in range(6)] for name in ("ada", "bob")}
        assert answers["ada"] == answers["bob"]

    def test_is_let_in_again_by_a_command(self, ada: User) -> None:
        fail(5)
        call_command("axes_reset_username", "ada", verbosity=0)
        assert log_in(PASSWORD).status_code == LET_IN

    def test_that_failed_is_listed_without_what_was_typed(self, ada: User) -> None:
        fail(5)
        page = html_of(staff_client("axes.view_accessattempt"), reverse("admin:axes_accessattempt_changelist"))
        assert "192.0.2.1" in page
        assert "Locked out" in page
        attempt = AccessAttempt.objects.get()
        assert (attempt.username, attempt.failures_since_start, "wrong" in attempt.post_data) == ("ada", 5, False)


class TestManyLoginsAtOnce:
    def test_are_refused_beyond_two_in_a_process_neither_judged_nor_counted(
        self, ada: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each takes 100 MiB, most of a second of a core, and a thread from the payments."""
        coming_meanwhile = {PASSWORD: ("second", "bob"), "second": ("third", "eve")}
        answers: dict[str, Any] = {}
        judge = AuthenticationForm.clean

        def judge_slowly(form: AuthenticationForm) -> dict[str, Any]:
            password, name = coming_meanwhile.pop(form.cleaned_data["password"], ("", ""))
            if name:
                answers[name] = log_in(password, name=name)
            return judge(form)

        monkeypatch.setattr(AuthenticationForm, "clean", judge_slowly)
        assert log_in(PASSWORD).status_code == LET_IN
        assert (answers["eve"].status_code, answers["eve"].context["form"].errors) == (FORM, {"__all__": [BUSY]})
        assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["bob"]
        assert log_in(PASSWORD).status_code == LET_IN

    @pytest.mark.parametrize("name", ["a" * 151, "a" * 10_000, "a\ud800"], ids=["long", "longer", "no text"])
    def test_under_a_name_that_nobody_can_have_are_not_counted(self, ada: User, name: str) -> None:
        form = LoginForm(data={"username": name, "password": PASSWORD})
        assert (form.is_valid(), list(form.errors)) == (False, ["username"])
        assert not AccessAttempt.objects.exists()


class TestTheAddressOfAClient:
    @pytest.mark.parametrize(
        ("proxies", "forwarded_for", "address"),
        [
            (0, "198.51.100.7", "203.0.113.1"),
            (1, "198.51.100.7", "198.51.100.7"),
            (1, "192.0.2.66, 198.51.100.7", "198.51.100.7"),
            (2, "192.0.2.66, 198.51.100.7, 203.0.113.9", "198.51.100.7"),
            (2, "198.51.100.7", "203.0.113.1"),
            (1, "unknown", "203.0.113.1"),
            (1, "2001:db8::7", "2001:db8::7"),
            (1, None, "203.0.113.1"),
        ],
    )
    def test_is_what_the_outermost_proxy_of_ours_has_seen(
        self, settings: Any, proxies: int, forwarded_for: str | None, address: str
    ) -> None:
        settings.TRUSTED_PROXY_COUNT = proxies
        headers = {} if forwarded_for is None else {"X-Forwarded-For": forwarded_for}
        assert client_address(RequestFactory(REMOTE_ADDR="203.0.113.1", headers=headers).get("/")) == address
