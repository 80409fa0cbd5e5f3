"""What `make test` does around the tests: the database is emptied between them, and both suites end when it is ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from commercecore_payments.testing.emptying import empty
from commercecore_payments.tests.tenants import Tenant

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
# Seconds in which both suites have begun, or come to their end, on a machine that is busy with the tests themselves.
PATIENCE_S = 120


def rows(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - the names of our own tables
        return int(cursor.fetchone()[0])


class TestADatabaseThatIsEmptied:
    def test_holds_what_migrations_wrote_and_nothing_else(self, tenant: Tenant) -> None:
        tenant.pay(tenant.create_seller())
        by_migrations = ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type")
        written = {table: rows(table) for table in by_migrations}
        empty()
        tables = connection.introspection.django_table_names()
        filled = {table: rows(table) for table in tables if rows(table)}
        assert filled == written
        assert min(written.values()) > 0


# A test that says that it has begun, and takes as long as it is let.
ENDLESS = """
import os, pathlib, time
def test_endless(db):
    pathlib.Path({folder!r}, f"begun-{{os.getpid()}}").touch()
    try:
        time.sleep({patience})
    finally:
        pathlib.Path({folder!r}, f"ended-{{os.getpid()}}").touch()
"""


class TestBothSuites:
    def test_are_taken_down_when_the_command_is_ended(self, tmp_path: Path) -> None:
        test = tmp_path / "test_endless.py"
        test.write_text(ENDLESS.format(folder=str(tmp_path), patience=PATIENCE_S))
        # The arguments of this project's pytest come first: the test lies outside of it.
        command = [sys.executable, "-m", "commercecore_payments.testing", f"--rootdir={PROJECT_DIR}", "-n1", str(test)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
        process = subprocess.Popen(
            [*command, "-c", "pytest.ini"], cwd=PROJECT_DIR, env={**environment, "TEST_POSTGRES_URL": ""},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(tmp_path, "begun-*", 2)
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=PATIENCE_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 128 + signal.SIGTERM, output
        assert len(list(tmp_path.glob("ended-*"))) == 2
        for begun in tmp_path.glob("begun-*"):
            with pytest.raises(ProcessLookupError):
                os.kill(int(begun.name.partition("-")[2]), 0)


def wait_for(folder: Path, pattern: str, number: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(list(folder.glob(pattern))) < number:
        assert time.monotonic() < deadline
        time.sleep(0.1)
