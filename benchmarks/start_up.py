"""How long a web server takes until it answers, and how large it is: `python -m benchmarks.start_up`.

gunicorn is started as in production, on a migrated PostgreSQL, beside a key of Stripe's that is never used; and a bare Django
with nothing but one view is started the same way, in the same run. Then a seller's list is asked for again and again, and the
memory of the processes is read before and after: what grows with the requests would grow for ever.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.database import temporary_database
from benchmarks.waiting import DEFAULT_SERVER, environment, write
from benchmarks.workers import PROJECT_DIR

RESULT = PROJECT_DIR / "var" / "benchmarks" / "start_up.json"
# Seconds until a server that does not answer is given up: many times what it takes.
PATIENCE_S = 60.0
# Seconds between two looks whether it answers: fine enough for a start of a second or two.
LOOK_S = 0.02
# What the memory of the service may grow by between the first tenth of the requests and the last, in kilobytes: what an
# allocator keeps back, and no more.
MOST_GROWTH_KB = 8_000
SERVICE, BARE = "service", "bare Django"
BARE_APPLICATION = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="bare")
urlpatterns = [path("api/v1/status", lambda request: HttpResponse("ok"))]
application = get_wsgi_application()
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON. Raises SystemExit(1) where memory grows with requests."""
    options = parse(arguments)
    figures = measure(options)
    print(text(figures))
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, **figures})
    held = figures["growth_kb"] <= MOST_GROWTH_KB
    print(
        f"{'held' if held else 'NOT held'}: memory grows by {figures['growth_kb'] / 1000:.1f} MB over {options.requests} requests"
    )
    sys.exit(0 if held else 1)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start_up", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="starts of each")
    parser.add_argument("--requests", type=int, default=5000, help="after which memory is read again")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each start, and kilobytes of the processes."""
    starts: dict[str, list[float]] = {SERVICE: [], BARE: []}
    with (
        temporary_database(options.postgres_url) as database,
        tempfile.TemporaryDirectory(prefix="commercecore-benchmark-") as state,
    ):
        variables = environment(database=database, state=state) | {"LOG_LEVEL": "ERROR"}
        (Path(state) / "static").mkdir()
        (Path(state) / "bare.py").write_text(BARE_APPLICATION)
        _manage(variables, "migrate", "--verbosity=0")
        folders = {SERVICE: PROJECT_DIR, BARE: Path(state)}
        for number in range(options.rounds):
            for name in folders if number % 2 == 0 else reversed(folders):
                with _started(name, folders[name], variables) as server:
                    starts[name].append(server.started_s)
        with _started(SERVICE, PROJECT_DIR, variables) as server:
            early_kb, late_kb = _memory_over(server, options.requests)
    return {
        "starts_s": starts,
        "ratio": median(own / bare for own, bare in zip(starts[SERVICE], starts[BARE], strict=True)),
        "memory_kb": early_kb,
        "growth_kb": late_kb - early_kb,
    }


def _manage(variables: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=PROJECT_DIR, env=variables, check=True)


@dataclass(frozen=True, slots=True)
class Server:
    """The master process of a server, its port, and the seconds from its start to its first answer."""

    pid: int
    port: int
    started_s: float


@contextmanager
def _started(name: str, folder: Path, variables: dict[str, str]) -> Iterator[Server]:
    """A server, started in the folder of its application. The service's is configured by the file that lies there."""
    port = _free_port()
    bare = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2", "--threads", "16", "bare:application"]
    command = [sys.executable, "-m", "gunicorn", *(bare if name == BARE else [])]
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=variables | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not _answers(port):
            if time.monotonic() - began > PATIENCE_S or process.poll() is not None:
                raise RuntimeError(f"The {name} did not start.")
            time.sleep(LOOK_S)
        yield Server(process.pid, port, time.monotonic() - began)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with suppress(URLError, ConnectionError, TimeoutError):
        _ask(port)
        return True
    return False


def _ask(port: int) -> None:
    with urlopen(Request(f"http://127.0.0.1:{port}/api/v1/status"), timeout=PATIENCE_S) as answer:
        answer.read()


def _memory_over(server: Server, requests: int) -> tuple[int, int]:
    """Kilobytes of all the server's processes after a tenth of the requests, and after all of them."""
    for _ in range(requests // 10):
        _ask(server.port)
    early_kb = _resident_kb(server.pid)
    for _ in range(requests - requests // 10):
        _ask(server.port)
    return early_kb, _resident_kb(server.pid)


def _resident_kb(master: int) -> int:
    """Of the master and its workers (proc(5): VmRSS is in kilobytes)."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return sum(_vm_rss(pid) for pid in (str(master), *children))


def _vm_rss(pid: str) -> int:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def text(figures: dict[str, Any]) -> str:
    """The table: medians of the rounds."""
    own, bare = (median(figures["starts_s"][name]) for name in (SERVICE, BARE))
    head = f"{'until the first answer':28}{'service s':>11}{'bare s':>9}{'ratio':>7}{'MB':>8}"
    row = f"{'gunicorn with two workers':28}{own:>11.2f}{bare:>9.2f}{figures['ratio']:>7.2f}{figures['memory_kb'] / 1000:>8.1f}"
    return "\n".join(["", head, row, ""])


if __name__ == "__main__":
    main()
