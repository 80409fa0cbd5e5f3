"""Who holds a run: a process that is surely gone is followed at once, and any other one only when its lease has run out."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from commercecore_payments import clock
from reconciliation import processes
from reconciliation.errors import RunUnderWay
from reconciliation.models import Run
from reconciliation.processes import Process, is_gone, name_of, this_process
from reconciliation.running import LEASE, begin, hold
from reconciliation.scope import Scope

TELL_AND_WAIT = "from reconciliation.processes import this_process; print(this_process(), flush=True); input()"
IN_ITS_OWN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the lease alone tells")


def can_have_a_namespace() -> bool:
    tool = shutil.which("unshare")
    return tool is not None and subprocess.run([*IN_ITS_OWN_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def another_process(*within: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that lives until it is killed, and what it calls itself."""
    command = [*within, sys.executable, "-c", TELL_AND_WAIT]
    with subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def itself() -> Process:
    process = Process.read(this_process())
    assert process is not None
    return process


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """As on a system that has no /proc."""
    monkeypatch.setattr(processes, "PROC", tmp_path / "nowhere")
    processes._here.cache_clear()
    yield
    processes._here.cache_clear()


@needs_linux
class TestAnotherProcess:
    def test_is_gone_from_its_kill_on_and_not_before(self) -> None:
        with another_process() as (process, holder):
            assert holder.startswith(f"{itself().host}:{process.pid}:")
            assert not is_gone(holder)
            process.kill()
            process.wait(timeout=10)
            assert is_gone(holder)

    def test_whose_number_is_anothers_by_now_is_gone(self) -> None:
        assert is_gone(str(replace(itself(), started="1")))
        assert not is_gone(this_process())

    def test_of_another_namespace_is_never_known_to_be_gone(self) -> None:
        with another_process() as (process, holder):
            process.kill()
            process.wait(timeout=10)
            known = Process.read(holder)
        assert known is not None
        assert known.is_gone()
        assert not replace(known, namespace="0123456789abcdef").is_gone()

    def test_that_somebody_else_runs_is_not_known_to_be_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*unused: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", refuse)
        assert not is_gone(str(replace(itself(), started="1")))

    @pytest.mark.skipif(not can_have_a_namespace(), reason="this machine lets nobody make a namespace of process numbers")
    def test_in_a_container_of_the_same_host_name_is_told_apart(self) -> None:
        with another_process(*IN_ITS_OWN_NAMESPACE) as (process, holder):
            inside = Process.read(holder)
            assert inside is not None
            assert (inside.host, inside.number) == (itself().host, 1)
            assert inside.namespace not in {"", itself().namespace}
            process.kill()
            process.wait(timeout=10)
            assert not inside.is_gone()


class TestAHolderOfAnEarlierVersion:
    def test_is_not_known_to_be_gone(self) -> None:
        assert not is_gone(f"{itself().host}:999999999")
        assert name_of("elsewhere:1") == "elsewhere:1"


@pytest.mark.usefixtures("without_proc")
class TestASystemThatDoesNotTell:
    def test_names_this_process_always_the_same_and_no_other_so(self) -> None:
        first = this_process()
        assert this_process() == first
        processes._here.cache_clear()  # as in a process of the same number on another machine of the same name
        assert this_process() != first
        assert name_of(this_process()) == name_of(first)

    def test_leaves_it_to_the_lease_whether_a_process_is_gone(self) -> None:
        assert not is_gone(str(replace(itself(), number=999_999_999)))


class TestARun:
    """Held by the process of the same number in another container of the same host name."""

    @pytest.fixture
    def of_another(self, transactional_db: None) -> Run:
        run = begin(Scope(), mends=False, asked="", asked_by="a test")
        Run.objects.update(holder=str(replace(itself(), started="1", namespace="0123456789abcdef")))
        run.refresh_from_db()
        return run

    def test_is_left_to_it_while_its_lease_lasts(self, of_another: Run) -> None:
        holder, leased_until = of_another.holder, of_another.leased_until
        with pytest.raises(RunUnderWay, match=f"under way at {name_of(this_process())}\\."):
            hold(of_another)
        of_another.refresh_from_db()
        assert (of_another.holder, of_another.leased_until, of_another.resumed) == (holder, leased_until, 0)

    def test_is_taken_when_its_lease_has_run_out(self, of_another: Run) -> None:
        with clock.moved_ahead(LEASE + timedelta(seconds=1)):
            assert hold(of_another).holder == this_process()
        assert Run.objects.get().resumed == 1

    @needs_linux
    def test_of_a_process_that_was_killed_here_is_taken_at_once(self, of_another: Run) -> None:
        Run.objects.update(holder=str(replace(itself(), started="1")))
        assert hold(Run.objects.get()).holder == this_process()
