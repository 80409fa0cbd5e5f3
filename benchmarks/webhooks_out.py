"""How many events a worker delivers in a second: `python -m benchmarks.webhooks_out`.

Two arms, in rounds that alternate, with as many threads each and the same bodies to the same receiver, a process beside this:

- the worker's own way: claimed, signed, the address judged, posted over a kept connection, and recorded, on PostgreSQL;
- a bare loop of `requests`, which does nothing but post.

For a receiver that answers at once, where our own work is all there is, and for one that takes as long as they usually do.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import requests

from benchmarks.in_process import sandbox_service
from benchmarks.waiting import DEFAULT_SERVER, write
from benchmarks.workers import PROJECT_DIR

RESULT = PROJECT_DIR / "var" / "benchmarks" / "webhooks_out.json"
# Of one app, so that each event is delivered to all of them; two workers are busy with one at most, so 8 threads need 4.
ENDPOINTS = 8
# Milliseconds that a receiver takes: none, and what one takes that writes the event down and answers.
RECEIVERS_MS = (0.0, 50.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON."""
    options = parse(arguments)
    figures: dict[str, Any] = {}
    with sandbox_service(options):
        for receiver_ms in RECEIVERS_MS:
            with _receiver(receiver_ms) as address:
                figures[f"{receiver_ms:g} ms"] = measure(address, options)
    print(text(figures, options))
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, "receivers": figures})


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks_out", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=2000, help="of each round")
    parser.add_argument("--threads", type=int, default=8, help="of each arm; 8 are WEBHOOK_THREADS' default")
    parser.add_argument("--rounds", type=int, default=3, help="of each arm")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    options = parser.parse_args(arguments)
    if options.deliveries % ENDPOINTS:
        parser.error(f"--deliveries must be a multiple of the {ENDPOINTS} endpoints.")
    return options


@contextmanager
def _receiver(answers_after_ms: float) -> Iterator[str]:
    """The address of a server that answers 200 after a wait."""
    command = [sys.executable, "-m", "benchmarks.stripe_server", str(answers_after_ms)]
    with subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip() if server.stdout else ''}"
        finally:
            server.terminate()


def measure(address: str, options: argparse.Namespace) -> dict[str, Any]:
    """Deliveries in a second, of each round and arm."""
    from benchmarks import deliveries  # noqa: PLC0415 - Django is set up by now

    bodies = deliveries.plan(address, endpoints=ENDPOINTS, number=options.deliveries)
    arms: dict[str, Callable[[], None]] = {
        "worker": lambda: _at_once(options.threads, deliveries.deliver),
        "bare": lambda: _post_all(address, bodies, options.threads),
    }
    per_s: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(options.rounds):
        for name in sorted(arms, reverse=number % 2 == 0):
            deliveries.make_due()
            started = time.monotonic()
            arms[name]()
            per_s[name].append(options.deliveries / (time.monotonic() - started))
    deliveries.forget()
    ratios = [worker / bare for worker, bare in zip(per_s["worker"], per_s["bare"], strict=True)]
    return {"per_s": per_s, "ratio": median(ratios)}


def _at_once(threads: int, work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for running in [pool.submit(work) for _ in range(threads)]:
            running.result()


def _post_all(address: str, bodies: Sequence[str], threads: int) -> None:
    left = list(bodies)

    def post() -> None:
        with requests.Session() as session:
            while left:
                try:
                    body = left.pop()
                except IndexError:  # another thread was quicker
                    return
                session.post(address, data=body.encode(), timeout=30).raise_for_status()

    _at_once(threads, post)


def text(figures: dict[str, Any], options: argparse.Namespace) -> str:
    """The table: medians of the rounds."""
    lines = [
        "",
        f"{f'{options.deliveries} events out, {options.threads} threads':42}{'a worker/s':>12}{'bare/s':>12}{'ratio':>9}",
    ]
    for name, each in figures.items():
        medians = [median(each["per_s"][arm]) for arm in ("worker", "bare")]
        lines.append(f"{f'to a receiver that takes {name}':42}{medians[0]:>12.1f}{medians[1]:>12.1f}{each['ratio']:>9.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
