"""A database of its own for one run of the proofs, and Django set up on it.

    with own_database():          # SQLite in memory-backed storage where there is any, or PostgreSQL by PROOF_POSTGRES_URL
        from proofs.world import World

A further process of the same run inherits the environment and calls `join()`. Under pytest neither is needed: the suite's
own database is used.
"""

import atexit
import fcntl
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

SETTINGS = "proofs.settings"
URL_VARIABLES = ("PROOF_POSTGRES_URL", "TEST_POSTGRES_URL")
# Storage that lies in memory: writing to it costs no wait.
MEMORY_BACKED = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own

PREFIX = "commercecore-proving-"
# The file whose lock tells that a run is alive. The folder itself is locked by whoever makes the service's secrets in it.
LOCK = "lock"
# Seconds after which a folder that nobody has locked was left by a process that is gone, and is not just being made.
ABANDONED_AFTER_S = 60


def server_url() -> str:
    """The PostgreSQL server to prove on; "" for SQLite."""
    return next((os.environ[name] for name in URL_VARIABLES if os.environ.get(name)), "")


@contextmanager
def own_database(url: str = "") -> Iterator[str]:
    """While open, Django runs on a new, migrated database; yields its name. `url` names a PostgreSQL server."""
    with _folder() as folder, _postgresql_database(url) as database_url:
        os.environ["COMMERCECORE_STATE_DIR"] = str(folder)
        os.environ["DATABASE_URL"] = database_url
        join()
        _migrate()
        try:
            yield database_url or str(folder / "db.sqlite3")
        finally:
            _close()


def join() -> None:
    """Sets Django up in a process of a run whose environment names the database."""
    import django  # noqa: PLC0415 - the environment comes first

    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    django.setup()


def silence_logging(_: Mapping[str, Any]) -> None:
    """A run logs nothing: what the service says of thousands of faults would hide what the proof says."""
    logging.disable(logging.CRITICAL)


@contextmanager
def _folder() -> Iterator[Path]:
    parent = MEMORY_BACKED if os.access(MEMORY_BACKED, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    remove_abandoned(folder.parent)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with _locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Removes the folders of runs that were killed: whoever is alive holds a lock in his."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # it is in use, or has gone meanwhile
            if time.time() - folder.stat().st_mtime > ABANDONED_AFTER_S:  # noqa: TID251 - the time of the file system
                with _locked(folder):
                    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds a lock in the folder, which ends with the process. Raises `BlockingIOError` where another process has it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, mode=0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _postgresql_database(url: str) -> Iterator[str]:
    """The address of a new database on the server at `url`, dropped afterwards; "" where there is no server."""
    if not url:
        yield ""
        return
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is used

    name = f"commercecore_proof_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrate() -> None:
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up by now

    call_command("migrate", verbosity=0, interactive=False)


def _close() -> None:
    from django.db import connections  # noqa: PLC0415 - Django is set up by now

    for connection in connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()
