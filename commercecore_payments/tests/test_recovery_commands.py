"""`manage.py recover_operations` and `manage.py worker`, and what an operator does about an operation in the admin."""

import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from commercecore_payments import clock, work
from commercecore_payments.management.commands import worker
from commercecore_payments.tests.admin_pages import perform, record_page
from commercecore_payments.tests.lost_calls import DAY, HOUR, MINUTE, lose_refund, parked_refund
from commercecore_payments.tests.service import PROJECT_DIR, free_port, manage, paste, serving
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from commercecore_payments.work import JOBS, Group, Job
from gateway.models import Kind, Operation
from gateway.tests.faults import stripe_fails, time_out_before

# Seconds that a worker may take to start, or to stop, on a machine that is busy with other tests.
PATIENCE_S = 60


def recover(*arguments: str) -> tuple[int, list[str]]:
    """The exit status of the command and the lines that it printed."""
    out = StringIO()
    try:
        call_command("recover_operations", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


@pytest.fixture
def lost(tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> Operation:
    """A refund of 400 whose outcome is not known."""
    tenant.pay(seller)
    return lose_refund(tenant, seller, monkeypatch, time_out_before)


class TestRecoverOperations:
    def test_says_that_there_is_nothing_to_do(self, tenant: Tenant, seller: str) -> None:
        assert recover() == (0, ["0 settled, 0 still unknown, 0 under way, 0 needs review"])

    def test_settles_what_is_due(self, lost: Operation) -> None:
        with clock.moved_ahead(MINUTE):
            status, lines = recover()
        assert (status, lines) == (
            0,
            [f"{lost.id} refund.create: settled", "1 settled, 0 still unknown, 0 under way, 0 needs review"],
        )

    def test_does_nothing_when_dry(self, lost: Operation, seller: str) -> None:
        with clock.moved_ahead(MINUTE):
            again = recover("--dry-run")
        with clock.moved_ahead(DAY):
            later = recover("--dry-run")
        reserved = f"{lost.id} refund.create unknown, reserved {lost.created_at:%Y-%m-%d %H:%M:%S} UTC"
        totals = "Open: 1. Needs review: 0. Next due: none."
        assert again == (0, [f"{reserved}: send again", "1 due. Nothing was done.", totals])
        assert later == (0, [f"{reserved}: look at Stripe", "1 due. Nothing was done.", totals])
        lost.refresh_from_db()
        assert (lost.status, lost.attempts, lost.recovery_attempts.count()) == ("unknown", 1, 0)
        assert refunds_at_stripe(seller, lost.parameters["payment_intent"]) == []

    def test_takes_no_more_than_its_limit(
        self, tenant: Tenant, seller: str, lost: Operation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller, amount=300)
        with clock.moved_ahead(HOUR):
            _, lines = recover("--limit", "1")
        assert lines == [f"{lost.id} refund.create: settled", "1 settled, 0 still unknown, 0 under way, 0 needs review"]
        assert Operation.objects.open().count() == 1

    def test_tells_by_its_exit_status_that_something_is_left_open(self, lost: Operation) -> None:
        with clock.moved_ahead(DAY):
            status, lines = recover()
        assert (status, lines[-1]) == (3, "0 settled, 1 still unknown, 0 under way, 0 needs review")

    def test_takes_a_named_one_that_is_not_due(self, lost: Operation) -> None:
        assert recover("--operation", lost.id)[0] == 0
        assert Operation.objects.get(pk=lost.pk).status == "succeeded"

    @pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["carried out", "dry"])
    @pytest.mark.parametrize(("status", "told"), [("succeeded", "succeeded"), ("declined", "declined"), ("not_sent", "not sent")])
    def test_has_nothing_to_do_with_one_that_is_settled(
        self, lost: Operation, status: str, told: str, dry: tuple[str, ...]
    ) -> None:
        Operation.objects.filter(pk=lost.pk).update(status=status, closed_at=clock.now())
        lines = [f"{lost.id} refund.create: already {told}, nothing to do"]
        assert recover("--operation", lost.id, *dry) == (0, lines)

    def test_refuses_one_that_does_not_exist(self, tenant: Tenant) -> None:
        with pytest.raises(CommandError, match=r"^There is no operation op_none\.$"):
            recover("--operation", "op_none")

    def test_plans_a_named_one_without_calling_it_due(self, lost: Operation) -> None:
        status, [plan, end] = recover("--dry-run", "--operation", lost.id)
        assert (status, plan.startswith(lost.id), end) == (0, True, "Nothing was done.")

    def test_tells_when_dry_what_is_open_and_not_due(
        self, tenant: Tenant, seller: str, lost: Operation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/refunds"):
            tenant.refund(seller, amount=300)
        [other] = Operation.objects.open().exclude(pk=lost.pk)
        Operation.objects.filter(pk=other.pk).update(status="needs_review", next_recovery_at=None)
        lost.refresh_from_db()
        assert lost.next_recovery_at is not None
        totals = f"Open: 2. Needs review: 1. Next due: {lost.next_recovery_at:%Y-%m-%d %H:%M:%S} UTC."
        assert recover("--dry-run") == (0, ["0 due. Nothing was done.", totals])

    @pytest.mark.parametrize(
        ("limit", "sentence"),
        [("0", "has to be at least 1"), ("-1", "has to be at least 1"), ("x", "has to be a whole number, and is 'x'")],
    )
    def test_refuses_a_limit_of_nothing(self, limit: str, sentence: str) -> None:
        with pytest.raises(CommandError, match=f"^Error: argument --limit: {sentence}$"):
            recover(f"--limit={limit}")

    def test_refuses_a_limit_beside_a_named_one(self) -> None:
        with pytest.raises(CommandError, match="not allowed with argument"):
            recover("--limit", "1", "--operation", "op_1")

    def test_tells_in_one_sentence_that_the_database_failed(self, lost: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*arguments: object) -> None:
            raise OperationalError("the connection is lost\nand more")

        monkeypatch.setattr("commercecore_payments.recovery.claim_due", fail)
        with pytest.raises(CommandError, match=r"^The database failed: the connection is lost and more$"):
            recover()


class TestACommandWithoutItsDatabase:
    @pytest.mark.parametrize("command", [("recover_operations",), ("recover_operations", "--dry-run"), ("worker",)], ids=" ".join)
    def test_says_that_it_is_out_of_reach(self, environment: dict[str, str], command: tuple[str, ...]) -> None:
        message = ended_at_once(
            {**environment, "DATABASE_URL": f"postgres://anna:secret@127.0.0.1:{free_port()}/payments"}, *command
        )
        assert message.startswith("CommandError: The database in DATABASE_URL cannot be reached: connection failed: ")
        assert message.count("\n") == 1
        assert "secret" not in message

    @pytest.mark.parametrize("command", [("recover_operations",), ("recover_operations", "--dry-run"), ("worker",)], ids=" ".join)
    def test_says_that_it_has_no_tables(self, environment: dict[str, str], command: tuple[str, ...]) -> None:
        assert (
            ended_at_once(environment, *command)
            == "CommandError: The database has no tables yet: manage.py migrate makes them.\n"
        )


class TestAWorker:
    def test_does_what_is_due_once(self, lost: Operation) -> None:
        with clock.moved_ahead(MINUTE):
            call_command("worker", "--once")
        assert Operation.objects.get(pk=lost.pk).status == "succeeded"

    def test_goes_on_where_a_job_fails(self, lost: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> bool:
            raise OperationalError("the connection is lost")

        monkeypatch.setattr(work, "JOBS", {"broken": Job(fail, Group.OPERATIONS), **JOBS})
        with clock.moved_ahead(MINUTE):
            assert worker.work(Group.OPERATIONS, lambda: False)
        assert Operation.objects.get(pk=lost.pk).status == "succeeded"

    def test_begins_nothing_when_it_is_stopping(self, lost: Operation) -> None:
        with clock.moved_ahead(MINUTE):
            assert not worker.work(Group.OPERATIONS, lambda: True)
        assert Operation.objects.get(pk=lost.pk).status == "unknown"

    @pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
    def test_ends_at_a_signal(self, environment: dict[str, str], ending: signal.Signals) -> None:
        manage(environment, "manage.py", "migrate", "--verbosity", "0")
        process = started(environment)
        process.send_signal(ending)
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, output.splitlines()[-1].split()[-1]) == (0, "stopped")

    def test_ends_without_its_parent(self, environment: dict[str, str]) -> None:
        manage(environment, "manage.py", "migrate", "--verbosity", "0")
        process = started(environment, "--parent", "1")
        assert process.wait(timeout=PATIENCE_S) == 0

    def test_runs_beside_the_service_and_ends_with_it(self, environment: dict[str, str]) -> None:
        with serving(environment) as (process, lines):
            assert paste(lines)["meta"]["status_code"] == 201
            beside = worker_of(process.pid)
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
            assert not Path(f"/proc/{beside}").exists()


def ended_at_once(environment: dict[str, str], *command: str) -> str:
    """What a command that fails says on stderr."""
    arguments = [sys.executable, "manage.py", *command]
    answer = subprocess.run(arguments, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert answer.returncode == 1
    return answer.stderr


def started(environment: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    """A worker that has begun."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker", *arguments],
        cwd=PROJECT_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "started" in process.stdout.readline()
    return process


def worker_of(parent: int) -> int:
    """The process id of the worker that a service has started."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            for child in children.read_text().split():
                if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                    return int(child)
        time.sleep(0.1)
    raise AssertionError("The service has started no worker.")


class TestAnOperatorsPage:
    def test_offers_what_can_be_done_and_shows_what_was_tried(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, admin_client: Any
    ) -> None:
        tenant.pay(seller)
        operation = parked_refund(tenant, seller, monkeypatch)
        page = admin_client.get(record_page(operation)).content.decode()
        for text in ("Needs Review", "Recover now", "Close as not done", "What recovery tried", "Stripe does not show it."):
            assert text in page
        address = record_page(operation, "close_not_done")
        assert "if Stripe did it after all, the buyer may get the money back twice" in admin_client.get(address).content.decode()
        assert perform(admin_client, operation, "close_not_done", reason="").status_code == 200
        assert Operation.objects.get(pk=operation.pk).status == "needs_review"
        perform(admin_client, operation, "close_not_done", reason="nothing in the dashboard")
        assert Operation.objects.get(pk=operation.pk).status == "rejected"
        assert tenant.refund(seller, amount=1000).status_code == 201

    def test_counts_what_was_tried_in_plain_words(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller)
        parked = parked_refund(tenant, seller, monkeypatch).recovery_attempts.get(act="parked")
        assert parked.message == "Sent once, looked at 3 times: Stripe does not show it."

    def test_recovers_at_once(self, lost: Operation, admin_client: Any, seller: str) -> None:
        perform(admin_client, lost, "recover_now")
        assert Operation.objects.get(pk=lost.pk, kind=Kind.REFUND_CREATE).status == "succeeded"
        assert refunds_at_stripe(seller, lost.parameters["payment_intent"]) == [400]
