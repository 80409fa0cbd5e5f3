"""`make run` from its beginning to its end."""

import os
import re
import signal
import socket
import time
from contextlib import closing

import pytest
import requests

from commercecore_payments.tests.service import STOP_TIMEOUT_S, assert_gone, free_port, manage, paste, refused, serving


def metrics(base: str) -> str:
    answer = requests.get(f"{base}/metrics", headers={"Authorization": f"Bearer {'a' * 32}"}, timeout=60)
    return answer.text


class TestTheService:
    def test_prints_addresses_that_answer_and_a_call_that_works(self, environment: dict[str, str]) -> None:
        base = f"http://127.0.0.1:{environment['PORT']}"
        with serving({**environment, "METRICS_TOKEN": "a" * 32}) as (_, lines):
            text = "\n".join(lines)
            addresses = {"Landing page": "/", "Admin": "/admin/", "API": "/api/v1", "Checkout": "/sandbox/checkout"}
            for name, address in ((name, base + path) for name, path in addresses.items()):
                assert re.search(rf"^  {name} +{re.escape(address)}( |$)", text, re.MULTILINE)
                assert requests.get(address, timeout=60).status_code == 200
            answer = paste(lines)
            assert answer["meta"]["status_code"] == 201
            assert answer["data"]["transaction_id"].startswith("pi_")
            manage(environment, "-m", "commercecore_payments.healthcheck")
            # Whichever process is asked tells what another one has done.
            told = metrics(base)
            assert 'commercecore_requests_total{method="POST",route="/api/v1/transactions",status="201"} 1.0' in told
            worker_has_begun = time.monotonic() + STOP_TIMEOUT_S  # it starts beside the web server, and says so in its own time
            while "commercecore_workers_alive 1.0" not in metrics(base):
                assert time.monotonic() < worker_has_begun
                time.sleep(0.2)

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

    @pytest.mark.parametrize("url", ["nonsense", "sqlite:///payments.sqlite3"])
    def test_says_that_its_database_is_none_of_postgresql(self, environment: dict[str, str], url: str) -> None:
        expected = "DATABASE_URL is not the address of a PostgreSQL database: postgres://user:password@host:5432/name"
        assert refused({**environment, "DATABASE_URL": url}).splitlines()[-1] == f"CommandError: {expected}"
