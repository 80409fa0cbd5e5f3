"""The points at which a process may die or lose its connection: around each statement, each commit, each call of Stripe.

Django's `execute_wrapper`, the connection's `commit` and the sandbox's client make them; the product has no branch for it.
What the sandbox itself does with the database is Stripe's side, and has no points.
"""

import os
import pickle
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from sandbox.faults.fault_kinds import Fault
from sandbox.transport import network
from sandbox.transport.http_client import SandboxHTTPClient

# What is shown of a statement: its verb and its first table.
_STATEMENT = re.compile(r'^\s*(\w+)(?:.*?\b(?:FROM|INTO))?(?:\s+"(\w+)")?', re.DOTALL)
# A pipe's end of file is told by an empty read; this many bytes are taken at once.
_PIPE_BYTES = 65_536

BEFORE_STRIPE = "before Stripe"
AFTER_STRIPE = "after Stripe"

# What is done at a point, given its label: nothing, or something that does not come back.
Act = Callable[[str], None]


@dataclass
class Passage:
    """What a process has passed so far: the label of each point in its order, and what it should not have done.

    `is_at_stripe`: what happens now is not the service's own doing.
    """

    labels: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    is_at_stripe: bool = False

    def passes(self, label: str, act: Act) -> None:
        self.labels.append(label)
        before, self.is_at_stripe = self.is_at_stripe, True  # what `act` does has no points itself
        try:
            act(label)
        finally:
            self.is_at_stripe = before


@contextmanager
def watched(act: Act) -> Iterator[Passage]:
    """While open, every statement, commit and call of Stripe of this thread passes its points, and `act` is called at each."""
    passage = Passage()
    with (
        connection.execute_wrapper(_statement(passage, act)),
        mock.patch.object(BaseDatabaseWrapper, "commit", _commit(passage, act)),
        mock.patch.object(SandboxHTTPClient, "request", _call(passage, act)),
    ):
        yield passage


def nothing(label: str) -> None:
    """Passes a point by."""


def at_point(number: int, passed: Act) -> Act:
    """Does `passed` at the point of this number, the first being 1, and nothing at the others."""
    seen = 0

    def act(label: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            passed(label)

    return act


def die(label: str) -> None:
    """The process is killed as the kernel kills: no handler runs, nothing is flushed, no connection is closed in order."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose_connection(label: str) -> None:
    """The connection to Stripe breaks: before the call its request is lost, afterwards its answer is."""
    network.fail(Fault("time_out_after"), method="post", url="https://api.stripe.com/v1/")


def refuse_connection(label: str) -> None:
    """Stripe takes no connection, so that nothing leaves."""
    network.fail(Fault("refuse_connection"), method="post", url="https://api.stripe.com/v1/")


@contextmanager
def answers_get_lost() -> Iterator[None]:
    """While open, Stripe does what it is asked to do, and no answer to a write arrives."""
    whole = SandboxHTTPClient.request

    def request(self: SandboxHTTPClient, method: str, url: str, *sent: Any, **more: Any) -> Any:
        answer = whole(self, method, url, *sent, **more)
        if method.upper() != "GET":
            lose_connection("")
        return answer

    with mock.patch.object(SandboxHTTPClient, "request", request):
        yield


def _statement(passage: Passage, act: Act) -> Callable[..., Any]:
    def execute(call: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if passage.is_at_stripe:
            return call(sql, params, many, context)
        found = _STATEMENT.match(sql)
        name = " ".join(part for part in found.groups() if part) if found else sql[:40]
        passage.passes(f"before {name}", act)
        result = call(sql, params, many, context)
        passage.passes(f"after {name}", act)
        return result

    return execute


def _commit(passage: Passage, act: Act) -> Callable[[BaseDatabaseWrapper], None]:
    whole = BaseDatabaseWrapper.commit

    def commit(self: BaseDatabaseWrapper) -> None:
        if passage.is_at_stripe:
            return whole(self)
        passage.passes("before COMMIT", act)
        whole(self)
        return passage.passes("after COMMIT", act)

    return commit


def _call(passage: Passage, act: Act) -> Callable[..., Any]:
    whole = SandboxHTTPClient.request

    def request(self: SandboxHTTPClient, method: str, url: str, *sent: Any, **more: Any) -> Any:
        if passage.is_at_stripe:  # somebody else's call
            return whole(self, method, url, *sent, **more)
        name = f"{method.upper()} {url.removeprefix('https://api.stripe.com').partition('?')[0]}"
        if connection.in_atomic_block:
            passage.violations.append(f"a transaction is open over {name}")
        if connection.connection is not None:
            passage.violations.append(f"the database connection is held over {name}")
        passage.passes(f"{BEFORE_STRIPE} {name}", act)
        passage.is_at_stripe = True
        try:
            answer = whole(self, method, url, *sent, **more)
        finally:
            passage.is_at_stripe = False
            if not connection.in_atomic_block:
                connection.close()  # Stripe's side opened it; the service goes on without, as it would beside the real one
        passage.passes(f"{AFTER_STRIPE} {name}", act)
        return answer

    return request


def in_a_process(work: Callable[[], Any]) -> Any:
    """What `work` returns, done in a process of its own; None where that process was killed.

    Raises RuntimeError with the traceback's text where `work` failed, or the process ended in another way.
    """
    disconnect()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work_and_exit(work, writing)
    os.close(writing)
    told = _read_all(reading)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        wait_for_the_dead()
        return None
    if status != 0:
        raise RuntimeError(f"The process ended with status {status}.")
    failure, result = pickle.loads(told)  # noqa: S301 - from our own child, over a pipe that nobody else has
    if failure:
        raise RuntimeError(failure)
    return result


def _work_and_exit(work: Callable[[], Any], writing: int) -> None:
    """The child's whole life. It leaves by `_exit`: what the parent registered for its own end is the parent's."""
    import traceback  # noqa: PLC0415 - the child's alone

    try:
        told = ("", work())
    except BaseException:  # noqa: BLE001 - told to the parent, who raises it
        told = (traceback.format_exc(), None)
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(told, pipe)
    connections.close_all()
    os._exit(0)


def _read_all(reading: int) -> bytes:
    parts = []
    while part := os.read(reading, _PIPE_BYTES):
        parts.append(part)
    os.close(reading)
    return b"".join(parts)


def disconnect() -> None:
    """Closes every connection of this process, and PostgreSQL's pool with its threads: a fork must inherit none."""
    for each in connections.all(initialized_only=True):
        each.close()
        if each.vendor == "postgresql":
            each.close_pool()  # type: ignore[attr-defined]


def wait_for_the_dead() -> None:
    """Waits until PostgreSQL has noticed that a client was killed: until then the locks of its transaction stand."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                  AND backend_type = 'client backend' AND state NOT IN ('idle', 'disabled')
                """
            )
            if cursor.fetchone()[0] == 0:
                return
            cursor.execute("SELECT pg_sleep(0.005)")
