"""How many payments a few database connections serve while Stripe is waited for: `python -m benchmarks.waiting`.

Three arms, in rounds that alternate, each round with processes of its own, which share out the threads and connections:

- few database connections, far fewer than threads;
- a database connection for every thread, which nobody has to wait for;
- few connections again, and each held while Stripe is waited for: the mistake that giving them back avoids.

Every request is a real one: `POST /api/v1/transactions` through the WSGI application, with its authentication, both its
transactions and Stripe's own SDK. The wait alone allows `threads / wait` requests a second.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.database import temporary_database
from benchmarks.report import Arm, Report
from benchmarks.workers import PROJECT_DIR, Service

RESULT = PROJECT_DIR / "var" / "benchmarks" / "waiting.json"
DEFAULT_SERVER = "postgres://postgres@127.0.0.1:5432/postgres"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON. Ends with 1 where a promise is not held at its wait."""
    options = parse(arguments)
    arms = (
        Arm(f"{options.connections} connections", options.connections),
        Arm(f"{options.threads} connections", options.threads),
        Arm(f"{options.connections} connections, held over the call", options.connections, holds=True),
    )
    report = Report(arms, threads=options.threads, wait_s=options.stripe_ms / 1000)
    with service(options) as running:
        for number in range(options.rounds):
            for arm in arms if number % 2 == 0 else reversed(arms):
                report.add(arm, running.measure(arm))
                print(f"round {number + 1} of {options.rounds}: {arm.name}: {report.latest(arm)}", flush=True)
    print(report.text())
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, **report.as_dict()})
    if report.is_broken:
        sys.exit(1)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--connections", type=int, default=8, help="the few database connections")
    parser.add_argument("--workers", type=int, default=2, help="processes; 2 are what gunicorn.conf.py starts")
    parser.add_argument("--stripe-ms", type=float, default=1000, help="how long Stripe lets itself be waited for")
    parser.add_argument("--rounds", type=int, default=3, help="of each arm")
    parser.add_argument("--seconds", type=float, default=20, help="that each round measures, after its warm-up")
    parser.add_argument("--sellers", type=int, default=64, help="whom the payments go to, in turn")
    parser.add_argument("--keys", action="store_true", help="each request carries an Idempotency-Key of its own")
    parser.add_argument("--over-sockets", action="store_true", help="Stripe is a server beside the service")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    options = parser.parse_args(arguments)
    if options.threads % options.workers or options.connections % options.workers:
        parser.error("The workers share out threads and connections: both must be multiples of --workers.")
    return options


@contextmanager
def service(options: argparse.Namespace) -> Iterator[Service]:
    """What starts the service with a database of its own, as beside a real Stripe: nothing of the sandbox is in its way."""
    with (
        temporary_database(options.postgres_url) as database,
        tempfile.TemporaryDirectory(prefix="commercecore-benchmark-") as state,
        stripe_address(options) as address,
    ):
        (Path(state) / "static").mkdir()
        arguments = [
            "--threads",
            options.threads // options.workers,
            "--stripe-ms",
            options.stripe_ms,
            "--seconds",
            options.seconds,
        ]
        arguments += ["--sellers", options.sellers, *(["--keys"] if options.keys else [])]
        arguments += ["--stripe-address", address] if address else []
        running = Service(
            environment(database=database, state=state),
            [str(argument) for argument in arguments],
            workers=options.workers,
            log=Path(state) / "log",
        )
        running.migrate()
        yield running


def environment(*, database: str, state: str) -> dict[str, str]:
    """The environment of the service: of the shell's own only what Python needs to run."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {
        "DATABASE_URL": database,
        "COMMERCECORE_STATE_DIR": state,
        "STRIPE_SECRET_KEY": "sk_test_benchmark",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_benchmark",
        # Counted as always, and never used up.
        "RATE_LIMIT_PER_TOKEN": "1000000",
        "RATE_LIMIT_PER_APP": "1000000",
    }


@contextmanager
def stripe_address(options: argparse.Namespace) -> Iterator[str]:
    """Where the server beside the service listens; empty text where Stripe is a thread that sleeps."""
    if not options.over_sockets:
        yield ""
        return
    command = [sys.executable, "-m", "benchmarks.stripe_server", str(options.stripe_ms)]
    with subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip() if server.stdout else ''}"
        finally:
            server.terminate()


def write(path: Path, figures: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
