"""`/metrics`: who may read it, and what stands there."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from commercecore_payments import clock
from commercecore_payments.heartbeats import Heartbeat
from commercecore_payments.metrics import processes, waiting
from commercecore_payments.tests.service import PROJECT_DIR
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
from gateway.tests.faults import answer, refuse_connection, stripe_fails, time_out_before
from sandbox.faults.plans import order
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.tests.receivers import make_endpoint

TOKEN = "0123456789abcdef0123456789abcdef"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def token(settings: Any) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def scrape() -> str:
    response = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    return response.content.decode()


def samples() -> Samples:
    """Every value of a scrape, by its name and labels."""
    families = text_string_to_metric_families(scrape())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((f"commercecore_{name}", tuple(sorted(labels.items()))), 0.0)


class TestTheMetrics:
    @pytest.mark.parametrize(
        "sent", [{}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}]
    )
    def test_are_told_to_nobody_without_the_operators_token(self, db: None, token: str, sent: dict[str, str]) -> None:
        response = Client().get("/metrics", headers=sent)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
        assert response.content == b"Unauthorized\n"

    @pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}"}])
    def test_have_no_address_where_no_token_is_configured(self, db: None, sent: dict[str, str]) -> None:
        response = Client().get("/metrics", headers=sent)
        assert response.status_code == 404
        assert b"commercecore_database_up" not in response.content

    def test_are_read_and_not_written(self, db: None, token: str) -> None:
        assert Client().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405

    def test_count_requests_by_the_template_of_their_route(self, tenant: Tenant, token: str) -> None:
        before = samples()
        for identifier in ("pi_1", "pi_2"):
            assert tenant.get(f"/transactions/{identifier}").status_code == 404
        Client().generic("BREW", "/api/v1/status")
        Client().get("/no/such/pi_3")
        after = samples()

        def counted(**labels: str) -> float:
            return value(after, "requests_total", **labels) - value(before, "requests_total", **labels)

        route = "/api/v1/transactions/<identifier>"
        assert counted(route=route, method="GET", status="404") == 2
        assert counted(route="/api/v1/status", method="other", status="405") == 1
        assert counted(route="none", method="GET", status="404") == 1
        took = {"route": route, "method": "GET"}
        assert (
            value(after, "request_duration_seconds_count", **took) == value(before, "request_duration_seconds_count", **took) + 2
        )
        assert value(after, "request_duration_seconds_bucket", le="+Inf", **took) >= 2
        assert not [name for name, _ in after if not name.startswith("commercecore_")]
        assert "pi_" not in scrape()

    def test_count_calls_to_stripe_by_what_came_of_them(
        self, tenant: Tenant, seller: str, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = samples()
        payment = tenant.create_payment(seller)
        for method in ("pm_card_visa_chargeDeclinedInsufficientFunds", "pm_nonsense"):
            tenant.confirm(seller, payment, method)
        with stripe_fails(monkeypatch, refuse_connection, path="/payment_intents"):
            tenant.post("/transactions", {"order_id": "2", "account_id": seller, "amount": "1000"})
        with stripe_fails(monkeypatch, time_out_before, path="/payment_intents"):
            tenant.post("/transactions", {"order_id": "3", "account_id": seller, "amount": "1000"})
        with stripe_fails(monkeypatch, answer(500, {"type": "api_error", "message": "Sorry"}), path="/login_links"):
            tenant.post("/connected-accounts/login", {"account_id": seller})
        after = samples()

        def counted(call: str, outcome: str) -> float:
            labels = {"call": call, "outcome": outcome}
            return value(after, "stripe_calls_total", **labels) - value(before, "stripe_calls_total", **labels)

        create, confirm = "payment_intent.create", "payment_intent.confirm"
        assert {outcome: counted(create, outcome) for outcome in ("succeeded", "not_sent", "unknown")} == {
            "succeeded": 1,
            "not_sent": 1,
            "unknown": 1,
        }
        assert {outcome: counted(confirm, outcome) for outcome in ("succeeded", "declined", "rejected")} == {
            "succeeded": 0,
            "declined": 1,
            "rejected": 1,
        }
        assert counted("read", "unknown") == 1
        took = value(after, "stripe_call_duration_seconds_count", call=create)
        assert took == value(before, "stripe_call_duration_seconds_count", call=create) + 3

    def test_tell_what_waits_and_since_when(self, tenant: Tenant, seller: str, token: str) -> None:
        endpoint = make_endpoint("https://shop.example.com/hook", tenant.app)
        order("time_out_before", path="/payment_intents")
        assert tenant.post("/transactions", {"order_id": "2", "account_id": seller, "amount": "1000"}).status_code == 503
        tenant.pay(seller, order_id="3")
        Heartbeat().beat_when_due()
        found = samples()
        assert value(found, "database_up") == 1
        assert [value(found, "reading_failed", reading=name) for name in waiting.READINGS] == [0] * len(waiting.READINGS)
        assert value(found, "operations_open", status="unknown") == 1
        assert value(found, "workers_alive") == 1
        pending = Delivery.objects.filter(endpoint=endpoint, status="pending").count()
        assert (value(found, "deliveries_pending"), value(found, "deliveries_planned_total")) == (pending, pending)
        assert value(found, "events_written_total") >= pending > 0
        assert value(found, "webhook_endpoints", state="enabled") == 1
        assert ("commercecore_reconciliation_last_finished_age_seconds", ()) not in found
        WebhookEndpoint.objects.update(failing_since=clock.now())
        Operation.objects.filter(status="unknown").update(status="needs_review", next_recovery_at=None)
        with clock.moved_ahead(timedelta(hours=1)):
            found = samples()
        assert value(found, "workers_alive") == 0
        assert value(found, "operations_open", status="needs_review") == 1
        assert 3600 < value(found, "operation_oldest_open_age_seconds", status="needs_review") < 3700
        assert 3600 < value(found, "delivery_oldest_due_age_seconds", endpoints="failing") < 3700
        assert value(found, "delivery_oldest_due_age_seconds", endpoints="working") == 0

    def test_are_told_but_for_the_part_that_cannot_be_read(
        self, transactional_db: None, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> Any:
            return Operation.objects.extra(where=["no_such_column = 1"]).count()

        monkeypatch.setitem(waiting.READINGS, "operations", broken)
        found = samples()
        assert (value(found, "reading_failed", reading="operations"), value(found, "reading_failed", reading="workers")) == (1, 0)
        assert value(found, "database_up") == 1
        assert ("commercecore_deliveries_pending", ()) in found

    def test_say_where_the_database_is_out_of_reach(self, db: None, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        Client().get("/metrics")
        monkeypatch.setattr("commercecore_payments.metrics.waiting.database_answers", lambda: False)
        found = samples()
        assert found["commercecore_database_up", ()] == 0
        assert not [name for name, _ in found if "operation_" in name]
        assert [name for name, _ in found if name == "commercecore_requests_total"]


# Counts in one process, and is read by another.
COUNTED = """
import django; django.setup()
from commercecore_payments.metrics.stripe_calls import count_call
count_call("read", "succeeded", duration_s=0.2)
"""
READ = """
import django; django.setup()
from prometheus_client import generate_latest
from commercecore_payments.metrics.registry import of_all_processes
print(generate_latest(of_all_processes()).decode())
"""


# Of the folder in which it counts, nothing is left but its name.
GONE = (
    """
import shutil, os; shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"])
"""
    + COUNTED
)


class TestSeveralProcesses:
    def test_go_on_where_they_cannot_count(self, tmp_path: Path) -> None:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
        (tmp_path / "metrics").mkdir()
        run = [sys.executable, "-c", GONE]
        done = subprocess.run(run, cwd=PROJECT_DIR, env=environment, timeout=60, capture_output=True, text=True)
        assert (done.returncode, "metrics: something could not be counted" in done.stderr) == (0, True)

    def test_share_a_folder_of_their_own_gunicorn(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv(processes.VARIABLE, str(tmp_path / "named"))
        processes.share_metrics()
        processes.clean_metrics()
        processes.remove_metrics()
        assert (os.environ[processes.VARIABLE], (tmp_path / "named").is_dir()) == (str(tmp_path / "named"), True)
        others = tmp_path / f"{processes.PREFIX}1-x"
        others.mkdir()
        monkeypatch.setenv(processes.VARIABLE, str(others))
        processes.share_metrics()
        own = Path(os.environ[processes.VARIABLE])
        (own / "counter_7.db").touch()
        processes.clean_metrics()
        assert (own != others, list(own.iterdir())) == (True, [])
        processes.share_metrics()  # a reload reads gunicorn.conf.py again
        assert Path(os.environ[processes.VARIABLE]) == own
        processes.remove_metrics()
        assert (own.exists(), others.exists()) == (False, True)

    def test_are_told_as_one(self, tmp_path: Path) -> None:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        for program in (COUNTED, COUNTED):
            subprocess.run([sys.executable, "-c", program], cwd=PROJECT_DIR, env=environment, check=True, timeout=60)
        read = [sys.executable, "-c", READ]
        told = subprocess.run(read, cwd=PROJECT_DIR, env=environment, check=True, timeout=60, capture_output=True, text=True)
        assert 'commercecore_stripe_calls_total{call="read",outcome="succeeded"} 2.0' in told.stdout
        assert 'commercecore_stripe_call_duration_seconds_bucket{call="read",le="0.25"} 2.0' in told.stdout
        assert "_created" not in told.stdout
