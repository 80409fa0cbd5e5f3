"""`issue_developer_token` and `revoke_developer_token`."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from commercecore_payments import clock
from developers.errors import InvalidToken
from developers.models import App, Developer, DeveloperToken
from developers.operations import authenticate_token
from developers.tests.factories import DeveloperFactory, make_token

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def run(command: str, *arguments: str) -> str:
    output = StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


def issued(*arguments: str) -> dict[str, Any]:
    answer = json.loads(run("issue_developer_token", *arguments, "--json"))
    assert isinstance(answer, dict)
    return answer


class TestIssueDeveloperToken:
    def test_prints_one_json_object_with_a_token_that_works(self) -> None:
        developer = DeveloperFactory.create()
        with time_machine.travel(NOON, tick=False):
            answer = issued("--developer", developer.id, "--name", "deploy", "--days", "30")

        row = DeveloperToken.objects.get()
        text = answer["developer_token"]
        assert answer == {
            "developer_id": developer.id,
            "developer_token": text,
            "environment": "sandbox",
            "prefix": text[:20],
            "expires_at": "2026-12-24T12:00:00+00:00",
        }
        assert (row.name, row.expires_at) == ("deploy", NOON + timedelta(days=30))
        with time_machine.travel(NOON, tick=False):
            assert authenticate_token(text=text).developer == developer

    def test_tells_people_the_same_in_lines(self) -> None:
        developer = DeveloperFactory.create()

        lines = run("issue_developer_token", "--developer", developer.id).splitlines()

        text = lines[1].removeprefix("developer_token: ")
        assert lines == [
            f"developer_id: {developer.id}",
            f"developer_token: {text}",
            "environment: sandbox",
            f"prefix: {text[:20]}",
            "expires_at: never",
            "Keep the token now: it cannot be shown again.",
        ]
        assert authenticate_token(text=text).developer == developer

    def test_makes_a_developer_with_an_app_where_it_is_told_to(self) -> None:
        answer = issued("--create", "Acme")

        app = App.objects.get()
        assert (answer["developer_id"], answer["app_id"], answer["expires_at"]) == (app.developer_id, app.id, None)
        assert (app.name, app.developer.name) == ("Acme", "Acme")
        assert authenticate_token(text=answer["developer_token"]).developer == app.developer

    def test_does_not_know_every_developer(self) -> None:
        with pytest.raises(CommandError, match=r"^There is no developer de_unknown\.$"):
            issued("--developer", "de_unknown")

        assert DeveloperToken.objects.count() == 0

    def test_is_refused_for_a_disabled_developer(self) -> None:
        developer = DeveloperFactory.create(disabled_at=clock.now())
        with pytest.raises(CommandError, match=r"^The developer is disabled\.$"):
            issued("--developer", developer.id)

        assert DeveloperToken.objects.count() == 0

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ([], "one of the arguments --developer --create is required"),
            (["--developer", "de_a", "--create", "Acme"], "not allowed with argument"),
            *((["--create", name], "a name has 1 to 100 printable characters") for name in ("", " ", "x" * 101, "a\nb")),
            (["--create", "Acme", "--name", "x" * 101], "a name has 1 to 100 printable characters"),
            *(
                (["--create", "Acme", "--days", days], "days are a whole number from 1 to 36500")
                for days in ("0", "-1", "1.5", "36501", "9" * 5000, "x", "١")
            ),
        ],
    )
    def test_is_refused_for_arguments_that_make_no_sense(self, arguments: list[str], complaint: str) -> None:
        with pytest.raises(CommandError, match=complaint):
            issued(*arguments)

        assert (Developer.objects.count(), DeveloperToken.objects.count()) == (0, 0)


class TestRevokeDeveloperToken:
    def test_closes_the_token_with_that_prefix(self) -> None:
        row, text = make_token()
        _, other_text = make_token(row.developer)
        with time_machine.travel(NOON, tick=False):
            said = run("revoke_developer_token", "--prefix", row.prefix)

        assert said == f"{row.prefix}… of {row.developer_id} is revoked since 2026-11-24 12:00:00 UTC.\n"
        with pytest.raises(InvalidToken):
            authenticate_token(text=text)
        assert authenticate_token(text=other_text).developer == row.developer

    @pytest.mark.parametrize("shorten", [0, 12, 19])
    def test_takes_no_shorter_prefix(self, shorten: int) -> None:
        row, text = make_token()
        with pytest.raises(CommandError, match=r"^No token has the prefix "):
            run("revoke_developer_token", "--prefix", row.prefix[:shorten])

        assert authenticate_token(text=text).developer == row.developer

    def test_does_not_guess_between_two(self) -> None:
        row, text = make_token()
        second, _ = make_token(row.developer)
        DeveloperToken.objects.filter(pk=second.pk).update(prefix=row.prefix)
        with pytest.raises(CommandError, match=r"^Several tokens have the prefix "):
            run("revoke_developer_token", "--prefix", row.prefix)

        assert authenticate_token(text=text).developer == row.developer

    def test_does_not_see_the_tokens_of_another_environment(self, settings: Any) -> None:
        row, _ = make_token()
        settings.STRIPE_ENVIRONMENT = "live"
        with pytest.raises(CommandError, match=r"^No token has the prefix "):
            run("revoke_developer_token", "--prefix", row.prefix)
