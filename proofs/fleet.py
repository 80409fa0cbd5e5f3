"""Several web servers and workers on one PostgreSQL, and the sandbox in a process of its own: started, killed, replaced.

The first web server and the first worker are never killed, so that their memory can be watched from the beginning to the end.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from django.db import connection, connections

from commercecore_payments.tests.service import free_port
from proofs.report import PROJECT_DIR

WEBS, WORKERS = 3, 2
# Threads of each web server, which has one process: of three, one is away at a time.
THREADS = 8
# Of the sandbox's door: all calls to Stripe that can be under way at once, and some that wait for a lock.
DOOR_THREADS = 24
# Seconds until a process serves on a busy machine, and until one that was told to end has.
START_TIMEOUT_S, END_TIMEOUT_S = 120, 60
# Seconds between two looks whether a process serves: a start takes some seconds.
LOOK_S = 0.2
# Of what happens to the fleet: most are killed as by a machine that fails, some are told to end as by an upgrade, and now and
# then the database ends all sessions as by a failover.
KILLED, TOLD = 0.6, 0.3


@dataclass
class Member:
    """One process that can be replaced. `address` is empty for a worker."""

    name: str
    command: list[str]
    environment: dict[str, str]
    address: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, cwd=PROJECT_DIR, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def end(self, number: signal.Signals) -> None:
        """SIGKILL goes to all of its processes at once, as when a machine fails; SIGTERM to the first, which ends the others."""
        if self.process is None or self.process.poll() is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        try:
            self.process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def wait_until_ready(self) -> None:
        """Raises TimeoutError where a web server does not become ready."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.address and time.monotonic() < deadline:
            try:
                if requests.get(f"{self.address}/readyz", timeout=5).status_code == 200:
                    return
            except requests.RequestException:
                pass  # it does not listen yet
            time.sleep(LOOK_S)
        if self.address:
            raise TimeoutError(f"{self.name} is not ready after {START_TIMEOUT_S} s")

    def pids(self) -> list[int]:
        """Of itself and its children."""
        if self.process is None or self.process.poll() is not None:
            return []
        pid = self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            return []
        return [pid, *(int(child) for child in children)]


@dataclass
class Fleet:
    """All of them. `blows` counts what was done to it."""

    door: Member
    webs: list[Member]
    workers: list[Member]
    blows: dict[str, int] = field(default_factory=lambda: {"killed": 0, "told to end": 0, "failovers": 0})

    @property
    def members(self) -> list[Member]:
        return [self.door, *self.webs, *self.workers]

    def strike(self, dice: random.Random) -> None:
        """One process ends and is replaced, or all sessions of the database end."""
        chance = dice.random()
        if chance > KILLED + TOLD:
            _end_sessions()
            self.blows["failovers"] += 1
            return
        victim = dice.choice([*self.webs[1:], *self.workers[1:]])
        victim.end(signal.SIGKILL if chance < KILLED else signal.SIGTERM)
        self.blows["killed" if chance < KILLED else "told to end"] += 1
        victim.start()
        victim.wait_until_ready()

    def replace_workers(self, *, faults: float) -> None:
        """All of them, by some that meet another share of faults."""
        for worker in self.workers:
            worker.end(signal.SIGTERM)
            worker.environment["FLEET_FAULTS"] = str(faults)
            worker.start()


@contextmanager
def fleet(*, faults: float) -> Iterator[Fleet]:
    """While open, a fleet serves on the database that Django is set up on. `faults`: the share of calls to Stripe that fails."""
    door = _web("sandbox", stripe="", faults=0, threads=DOOR_THREADS)
    webs = [_web(f"web {number}", stripe=door.address, faults=faults, threads=THREADS) for number in range(WEBS)]
    workers = [_worker(f"worker {number}", stripe=door.address, faults=faults) for number in range(WORKERS)]
    whole = Fleet(door, webs, workers)
    try:
        for member in whole.members:
            member.start()
        for member in whole.members:
            member.wait_until_ready()
        yield whole
    finally:
        for member in reversed(whole.members):
            member.end(signal.SIGKILL)


def _environment(stripe: str, faults: float) -> dict[str, str]:
    told = {"FLEET_STRIPE": stripe, "FLEET_FAULTS": str(faults), "DJANGO_SETTINGS_MODULE": "proofs.settings"}
    return {**os.environ, **told}


def _web(name: str, *, stripe: str, faults: float, threads: int) -> Member:
    port = free_port()
    told = {"PORT": str(port), "WEB_WORKERS": "1", "WEB_THREADS": str(threads), "DRAIN_S": "0.5"}
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "proofs.fleet_member:application"]
    return Member(name, command, {**_environment(stripe, faults), **told}, f"http://127.0.0.1:{port}")


def _worker(name: str, *, stripe: str, faults: float) -> Member:
    return Member(name, [sys.executable, "-m", "proofs.fleet_member", "worker"], _environment(stripe, faults))


def _end_sessions() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connections.close_all()
