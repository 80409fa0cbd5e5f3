"""`make run` from its beginning to its end: the real server, in processes, a folder and a database of its own."""

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
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


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a service of its own, on the kind of database that the tests run on."""
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "commercecore_payments.settings", "PORT": str(free_port())}
    variables["COMMERCECORE_STATE_DIR"] = str(tmp_path / "state")
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
    try:
        yield process, list(printed(process))
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


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


class TestTheService:
    def test_prints_addresses_that_answer_and_a_call_that_works(self, environment: dict[str, str]) -> None:
        base = f"http://127.0.0.1:{environment['PORT']}"
        with serving(environment) as (_, lines):
            text = "\n".join(lines)
            for name, address in (("Landing page", f"{base}/"), ("Admin", f"{base}/admin/"), ("API", f"{base}/api/v1")):
                assert re.search(rf"^  {name} +{re.escape(address)}( |$)", text, re.MULTILINE)
                assert requests.get(address, timeout=60).status_code == 200
            answer = paste(lines)
            assert answer["meta"]["status_code"] == 201
            assert answer["data"]["transaction_id"].startswith("pi_")
            manage(environment, "-m", "commercecore_payments.healthcheck")

    def test_lets_the_printed_admin_in(self, environment: dict[str, str]) -> None:
        with serving(environment) as (_, lines), requests.Session() as browser:
            found = re.search(r"(http\S+/admin/)  user (\S+), password (\S+)", "\n".join(lines))
            assert found is not None
            address, name, password = found.groups()
            browser.get(address, timeout=60)
            form = {"username": name, "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            answer = browser.post(f"{address}login/?next=/admin/", data=form, timeout=60)
            assert (answer.status_code, answer.url) == (200, address)

    def test_keeps_its_data_over_a_restart_and_shows_it_to_every_command(self, environment: dict[str, str]) -> None:
        with serving(environment) as (process, first):
            paste(first)
            process.terminate()
            assert_gone(process, environment["PORT"])
        with serving(environment) as (process, second):
            paste(second)
            process.terminate()
            assert_gone(process, environment["PORT"])
        assert second[:-2] != first[:-2]  # another order, another token
        assert [line for line in second if "Admin" in line] == [line for line in first if "Admin" in line]
        count = "from transactions.models import Transaction; print(Transaction.objects.count())"
        assert manage(environment, "manage.py", "shell", "--no-imports", "-c", count) == "2\n"

    @pytest.mark.parametrize("ending", ["SIGTERM", "Ctrl-C"])
    def test_ends_all_its_processes(self, environment: dict[str, str], ending: str) -> None:
        with serving(environment) as (process, lines):
            assert lines[-1] == f"Ctrl-C stops it, and so does: kill {process.pid}"
            requests.get(f"http://127.0.0.1:{environment['PORT']}/api/v1", timeout=60)
            if ending == "SIGTERM":
                process.terminate()
            else:
                os.killpg(process.pid, signal.SIGINT)  # a terminal tells every process of the foreground
            assert_gone(process, environment["PORT"])


class TestAServiceThatCannotStart:
    def test_says_that_its_port_is_taken(self, environment: dict[str, str]) -> None:
        with closing(socket.socket()) as other:
            other.bind(("127.0.0.1", int(environment["PORT"])))
            other.listen()
            expected = f"Port {environment['PORT']} cannot be used (Address already in use): choose another, PORT=8001 make run."
            assert refused(environment) == f"CommandError: {expected}\n"

    def test_says_that_its_database_is_out_of_reach(self, environment: dict[str, str]) -> None:
        message = refused({**environment, "DATABASE_URL": f"postgres://anna:secret@127.0.0.1:{free_port()}/payments"})
        assert message.startswith("CommandError: The database in DATABASE_URL cannot be reached: connection failed: ")
        assert message.count("\n") == 1
        assert "secret" not in message
