"""The whole suite is judged by Stripe's types: what its own processes exchange, and the services that it starts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commercecore_payments.testing.stripe_types.services import reading_from, writing_into
from commercecore_payments.tests.service import PROJECT_DIR

WRONG_ROUTE = """
from sandbox.api import server
from sandbox.api.parameters import Text, takes
from sandbox.api.routes import ROUTES, Route
from sandbox.api.wire import Request

WRONG = Route(takes(shape=Text()), lambda request: {"object": "balance", "colour": "red"})
"""
TESTS_OF_ONE_PROCESS = (
    WRONG_ROUTE
    + """
def test_that_meets_a_wrong_answer(db, monkeypatch):
    monkeypatch.setitem(ROUTES, ("GET", "/v1/balance"), WRONG)
    server.answer(Request("GET", "/v1/balance", {"shape": "round"}, "sk_test_x"))

def test_that_meets_none():
    pass
"""
)
# The settings of a service that is wrong, and the app that makes it so.
SETTINGS = """
import os
from importlib import import_module

settings = import_module(os.environ["SETTINGS_OF_SERVICES"])
globals().update({name: value for name, value in vars(settings).items() if name.isupper()})
INSTALLED_APPS = [*settings.INSTALLED_APPS, "planted.apps.Planted"]
"""
APP = """
from django.apps import AppConfig

class Planted(AppConfig):
    name = "planted"

    def ready(self):
        from planted import wrong_route
"""
TESTS_OF_A_SERVICE = """
from pathlib import Path

import requests

from commercecore_payments.tests.service import environment_of_its_own, serving

def test_that_asks_a_wrong_service(tmp_path):
    with environment_of_its_own(tmp_path) as environment:
        environment["SETTINGS_OF_SERVICES"] = environment["DJANGO_SETTINGS_MODULE"]
        environment |= {"DJANGO_SETTINGS_MODULE": "planted.settings", "PYTHONPATH": str(Path(__file__).parent)}
        with serving(environment):
            url = f"http://127.0.0.1:{environment['PORT']}/v1/balance?shape=round"
            assert requests.get(url, auth=("sk_test_x", ""), timeout=60).json() == {"object": "balance", "colour": "red"}

def test_that_asks_none():
    pass
"""
# A service that says what was wrong when the last test is over.
LATE_VERDICT = """
import os
from pathlib import Path

from commercecore_payments.testing.stripe_types.services import FOLDER_VARIABLE, writing_into

def pytest_sessionfinish(session):
    writing_into(Path(os.environ[FOLDER_VARIABLE]))("objects", ["balance.colour: unknown field"])
"""


def run(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """A run of the tests in a folder by itself: it is no parallel process of this one, and shares no database with it."""
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={PROJECT_DIR}", "-c", str(PROJECT_DIR / "pytest.ini")]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, *options, str(folder)], cwd=PROJECT_DIR, env=variables, capture_output=True, text=True, timeout=120
    )


class TestATestOfTheSuite:
    def test_fails_for_what_was_wrong_in_it_and_no_other_does(self, tmp_path: Path) -> None:
        (tmp_path / "test_planted.py").write_text(TESTS_OF_ONE_PROCESS)
        done = run(tmp_path, "-n0")
        assert "balance.colour: unknown field" in done.stdout
        assert "GET /v1/balance .shape: unknown field" in done.stdout
        assert "Stripe's types: 1 objects and 1 requests judged (of them 0 and 0 in services beside the tests), " in done.stdout
        assert "1 failed, 1 passed" in done.stdout

    def test_fails_for_what_was_wrong_in_a_service_that_it_started(self, tmp_path: Path) -> None:
        package = tmp_path / "planted"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "wrong_route.py").write_text(f'{WRONG_ROUTE}\nROUTES["GET", "/v1/balance"] = WRONG\n')
        (package / "apps.py").write_text(APP)
        (package / "settings.py").write_text(SETTINGS)
        (tmp_path / "test_planted.py").write_text(TESTS_OF_A_SERVICE)
        done = run(tmp_path, "-n1")
        assert "balance.colour: unknown field" in done.stdout
        assert "GET /v1/balance .shape: unknown field" in done.stdout
        assert "1 failed, 1 passed" in done.stdout
        judged = re.search(r"(\d+) objects and (\d+) requests judged \(of them (\d+) and (\d+) in services", done.stdout)
        assert judged is not None
        assert judged.group(1, 2) == judged.group(3, 4)


class TestARun:
    @pytest.mark.parametrize("processes", ["-n0", "-n1"])
    def test_fails_for_what_was_wrong_after_its_last_test(self, tmp_path: Path, processes: str) -> None:
        (tmp_path / "conftest.py").write_text(LATE_VERDICT)
        (tmp_path / "test_planted.py").write_text("def test_that_meets_nothing():\n    pass\n")
        done = run(tmp_path, processes)
        assert done.returncode == pytest.ExitCode.TESTS_FAILED
        assert "Not as Stripe's types have it, after the last test: balance.colour: unknown field" in done.stdout
        assert "1 passed" in done.stdout


class TestTheVerdictsOfServices:
    def test_are_told_once_each(self, tmp_path: Path) -> None:
        keep, verdicts = writing_into(tmp_path), reading_from(tmp_path)
        assert list(verdicts()) == []
        keep("objects", [])
        keep("requests", ["GET /v1/everything: Stripe has no such operation"])
        assert list(verdicts()) == [("objects", []), ("requests", ["GET /v1/everything: Stripe has no such operation"])]
        writing_into(tmp_path)("objects", [])
        assert list(verdicts()) == [("objects", [])]
        assert list(verdicts()) == []

    def test_lose_nothing_but_the_line_at_which_their_process_was_killed(self, tmp_path: Path) -> None:
        writing_into(tmp_path)("objects", [])
        [file] = tmp_path.iterdir()
        with file.open("ab") as killed:
            killed.write(b'["objects", ["balance.col')
        verdicts = reading_from(tmp_path)
        assert list(verdicts()) == [("objects", [])]
        writing_into(tmp_path)("requests", [])
        assert list(verdicts()) == [("requests", [])]
