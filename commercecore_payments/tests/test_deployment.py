"""The image, the composition and gunicorn fit together: nothing is cut off, and nothing runs with more rights than it needs."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.models import CALL_BUDGET

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (PROJECT_DIR / "Dockerfile").read_text()
COMPOSITION: dict[str, Any] = yaml.safe_load((PROJECT_DIR / "docker-compose.yml").read_text())
WEB, WORKER, MIGRATE = (COMPOSITION["services"][name] for name in ("web", "worker", "migrate"))
# Calls to Stripe of the longest request (what is left open is ended by a sending and a look, a card is cloned, a payment
# confirmed), and of the longest piece of a worker's work.
LONGEST_CALLS, LONGEST_OF_A_WORKER = 4, 2


@pytest.fixture
def gunicorn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What gunicorn reads in the image."""
    for name in ("STRIPE_TIMEOUT_S", "KEEPALIVE_S"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DRAIN_S", re.findall(r"DRAIN_S=(\d+)", DOCKERFILE)[0])
    return runpy.run_path(str(PROJECT_DIR / "gunicorn.conf.py"))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


class TestStopping:
    def test_a_web_server_waits_for_the_calls_of_its_longest_request(self, gunicorn: dict[str, Any]) -> None:
        assert gunicorn["graceful_timeout"] > LONGEST_CALLS * (CALL_BUDGET.total_seconds() - 5)
        assert seconds(WEB["stop_grace_period"]) > gunicorn["_drain_s"] + gunicorn["graceful_timeout"]

    def test_a_worker_waits_for_a_sending_and_a_look(self) -> None:
        assert seconds(WORKER["stop_grace_period"]) > LONGEST_OF_A_WORKER * CALL_BUDGET.total_seconds()


class TestTheComposition:
    @pytest.mark.parametrize("service", [WEB, WORKER, MIGRATE], ids=["web", "worker", "migrate"])
    def test_gives_a_service_no_more_rights_than_it_needs(self, service: dict[str, Any]) -> None:
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]

    def test_starts_nothing_before_the_migrations_and_watches_what_runs(self) -> None:
        for service in (WEB, WORKER):
            assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        command = ["CMD", "python", "-m", "commercecore_payments.healthcheck", "worker"]
        assert WORKER["healthcheck"]["test"] == command
        assert WORKER["environment"].items() > WEB["environment"].items()


class TestTheImage:
    def test_runs_as_nobody_special_and_is_looked_after(self) -> None:
        last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
        assert re.findall(r"^USER (.*)$", last_stage, re.MULTILINE) == ["10001"]
        assert re.search(r'^HEALTHCHECK .*"commercecore_payments.healthcheck"', last_stage, re.MULTILINE)
        assert not re.search(r"apt-get|gcc|build-essential", DOCKERFILE)

    def test_leaves_secrets_tests_and_tools_behind(self) -> None:
        ignored = set((PROJECT_DIR / ".dockerignore").read_text().split())
        assert ignored >= {".git", ".env", ".env.*", "var", "**/tests", "**/*.sqlite3*", "proofs", "benchmarks"}
