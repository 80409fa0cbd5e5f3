"""The real server for tests: in processes, a folder and a database of its own."""

import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
# Seconds. Idle workers stop at once, and gunicorn keeps connections that said nothing for five.
STOP_TIMEOUT_S = 20


@contextmanager
def environment_of_its_own(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a service of its own, on the kind of database that the tests run on.

    What it exchanges with Stripe is judged like the tests' own: commercecore_payments/testing/stripe_types/services.py.
    """
    settings = "commercecore_payments.testing.served_settings"
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "PORT": str(free_port())}
    variables["COMMERCECORE_STATE_DIR"] = str(folder / "state")
    server = os.environ.get("TEST_POSTGRES_URL", "")
    if not server:
        yield variables
        return
    name = f"commercecore_serve_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield {**variables, "DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl()}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """The service, and the lines that it printed until it listened. Ends it if the test did not."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=PROJECT_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    told = list(printed(process))
    with reading_on(process):
        try:
            yield process, told
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def reading_on(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Reads what the process goes on to print until it has ended: else it would wait once the pipe is full."""
    assert process.stdout is not None
    reader = threading.Thread(target=process.stdout.read)
    reader.start()
    try:
        yield
    finally:
        process.wait()
        reader.join()
        process.stdout.close()


def printed(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Its output, up to the last line of the message that it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip("\n")
        if line.startswith("Ctrl-C stops it"):
            return


def refused(environment: dict[str, str]) -> str:
    """What the service says when it does not start."""
    command = [sys.executable, "manage.py", "serve"]
    answer = subprocess.run(command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    return answer.stderr


def assert_gone(process: "subprocess.Popen[str]", port: str) -> None:
    """No process of the service is left, and its port is free."""
    assert process.wait(STOP_TIMEOUT_S) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", int(port)))


def paste(lines: list[str]) -> dict[str, Any]:
    """The answer to the printed call, made by curl as printed, or read as curl reads it where there is none."""
    [line] = [line for line in lines if line.startswith("curl ")]
    if shutil.which("curl"):
        output = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60, check=True).stdout
        return dict(json.loads(output))
    _, _, method, address, *rest = shlex.split(line)
    headers = dict(value.split(": ", 1) for name, value in zip(rest[::2], rest[1::2], strict=True) if name == "-H")
    return dict(requests.request(method, address, headers=headers, data=rest[-1], timeout=60).json())


def manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout
