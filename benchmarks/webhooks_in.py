"""What taking in one of Stripe's events costs: `python -m benchmarks.webhooks_in`.

Two arms, in rounds that alternate, with the same signed events through the same WSGI application, on PostgreSQL:

- the service's own door: verified, stored for a worker to apply, answered;
- a bare view beside it, which verifies, inserts and answers.

The events are about payments that the API has made, as nearly all are, and each has an id of its own. What is compared is the
processor time that the process itself spends on an event. It ends with 1 where the promise is not held.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.in_process import sandbox_service
from benchmarks.waiting import DEFAULT_SERVER, write
from benchmarks.workers import PROJECT_DIR

RESULT = PROJECT_DIR / "var" / "benchmarks" / "webhooks_in.json"
# What docs/performance.md promises.
MOST_OF_THE_BARE_VIEW = 1.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON. Ends with 1 where the promise is not held."""
    options = parse(arguments)
    with sandbox_service(options):
        figures = measure(options)
    print(text(figures, options), promise(figures["ratio"]), sep="\n")
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, **figures})
    if figures["ratio"] > MOST_OF_THE_BARE_VIEW:
        sys.exit(1)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks_in", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1000, help="of each round and arm")
    parser.add_argument("--payments", type=int, default=50, help="that the events are about")
    parser.add_argument("--rounds", type=int, default=5, help="of each arm")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of this process's CPU for an event, of each round and arm. Raises RuntimeError where one was not taken."""
    from benchmarks import received_events  # noqa: PLC0415 - Django is set up by now

    doors = received_events.doors()
    told = received_events.pay(options.payments)
    cpu_ms: dict[str, list[float]] = {name: [] for name in doors}
    for number in range(options.rounds):
        for name in sorted(doors, reverse=number % 2 == 0):
            posts = received_events.signed(told, options.events)
            before_s = time.process_time()
            for environ in posts:
                doors[name](environ)
            cpu_ms[name].append((time.process_time() - before_s) * 1000 / options.events)
    received_events.check()
    ratios = [own / bare for own, bare in zip(cpu_ms["own"], cpu_ms["bare"], strict=True)]
    return {"cpu_ms": cpu_ms, "ratio": median(ratios)}


def text(figures: dict[str, Any], options: argparse.Namespace) -> str:
    """The table: medians of the rounds."""
    own, bare = (median(figures["cpu_ms"][name]) for name in ("own", "bare"))
    head = f"{f'{options.events} events in, one after the other':42}{'the door ms':>12}{'bare ms':>12}{'ratio':>9}"
    return "\n".join(["", head, f"{'about payments that the API has made':42}{own:>12.3f}{bare:>12.3f}{figures['ratio']:>9.3f}"])


def promise(ratio: float) -> str:
    """Whether it is held, as a sentence."""
    held = "held" if ratio <= MOST_OF_THE_BARE_VIEW else "NOT held"
    return f"{held}: {ratio:.3f} of the bare view's CPU (at most {MOST_OF_THE_BARE_VIEW})"


if __name__ == "__main__":
    main()
