"""What starting a payment costs beside the smallest honest view: `python -m benchmarks.request_cost`.

Three arms, each a process of its own, in rounds that alternate, all before the same Stripe at a socket, which answers at once:

- the smallest view: a lookup, an INSERT, the call with the SDK's default transport, an UPDATE, in REST framework
  (`benchmarks.smallest_view`, which says what it has and why);
- the whole service, `POST /api/v1/transactions` with all that it checks, reserves, records and limits;
- the same, each request under an Idempotency-Key of its own.

What is compared is the processor time that the process itself spends on a request. It ends with 1 where a promise is not held.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.database import temporary_database
from benchmarks.request_cost_arm import SERVICE, SERVICE_WITH_KEYS, SMALLEST
from benchmarks.waiting import DEFAULT_SERVER, environment, stripe_address, write
from benchmarks.workers import PROJECT_DIR

RESULT = PROJECT_DIR / "var" / "benchmarks" / "request_cost.json"
ARMS = (SMALLEST, SERVICE, SERVICE_WITH_KEYS)
# What docs/performance.md promises of a payment without an Idempotency-Key.
MOST_OF_THE_SMALLEST = 1.2
MOST_STATEMENTS = 8

Figures = dict[str, list[dict[str, float]]]
Arm = subprocess.Popen[str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON. Ends with 1 where a promise is not held."""
    options = parse(arguments)
    rounds = measure(options)
    print(text(rounds))
    broken = broken_promises(rounds)
    print(*(broken or ["held: both promises"]), sep="\n")
    figures = {"rounds": rounds, "ratios": {name: ratio(rounds, name) for name in ARMS}, "broken": broken}
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, **figures})
    if broken:
        sys.exit(1)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.request_cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--requests", type=int, default=20, help="of each round and arm: few, since the speed of a machine wanders within seconds"
    )
    parser.add_argument("--rounds", type=int, default=120, help="of each arm; one more comes before them and is not counted")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    options = parser.parse_args(arguments)
    options.over_sockets, options.stripe_ms = True, 0
    return options


def measure(options: argparse.Namespace) -> Figures:
    """The figures of each arm and round. Raises RuntimeError where an arm fails; what it wrote stands before."""
    rounds: Figures = {name: [] for name in ARMS}
    with ExitStack() as stack:
        address = stack.enter_context(stripe_address(options))
        arms = {name: stack.enter_context(started(name, address, options)) for name in ARMS}
        for arm in arms.values():
            asked(arm, options.requests)  # caches and connections are there from now on
        for number in range(options.rounds):
            for name in ARMS if number % 2 == 0 else reversed(ARMS):
                rounds[name].append(asked(arms[name], options.requests))
    return rounds


@contextmanager
def started(name: str, address: str, options: argparse.Namespace) -> Iterator[Arm]:
    """The process of an arm, with a database of its own."""
    with (
        temporary_database(options.postgres_url) as database,
        tempfile.TemporaryDirectory(prefix="commercecore-benchmark-") as state,
    ):
        (Path(state) / "static").mkdir()
        command = [sys.executable, "-m", "benchmarks.request_cost_arm", name, address]
        quiet = {**environment(database=database, state=state), "LOG_LEVEL": "ERROR"}
        with subprocess.Popen(
            command, cwd=PROJECT_DIR, env=quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as arm:
            yield arm
            arm.communicate()  # its input ends, and so does it


def asked(arm: Arm, requests: int) -> dict[str, float]:
    """What so many payments cost in this arm."""
    if arm.stdin is None or arm.stdout is None:
        raise RuntimeError("The arm was started without pipes.")
    arm.stdin.write(f"{requests}\n")
    arm.stdin.flush()
    answer = arm.stdout.readline()
    if not answer:
        raise RuntimeError("An arm failed.")
    figures: dict[str, float] = json.loads(answer)
    return figures


def ratio(rounds: Figures, name: str) -> float:
    """Of the smallest view's CPU: the median of the rounds, each beside the same round's."""
    own, smallest = rounds[name], rounds[SMALLEST]
    return median(one["cpu_ms"] / floor["cpu_ms"] for one, floor in zip(own, smallest, strict=True))


def statements(rounds: Figures, name: str) -> float:
    """Statements of a request: the most of all rounds."""
    return max(figures["statements"] for figures in rounds[name])


def text(rounds: Figures) -> str:
    """The table: medians of the rounds."""
    head = f"{'a payment started':24}{'CPU ms':>10}{'ratio':>10}{'statements':>14}"
    rows = [
        f"{name:24}{median(figures['cpu_ms'] for figures in rounds[name]):>10.2f}{ratio(rounds, name):>10.3f}"
        f"{statements(rounds, name):>14.2f}"
        for name in ARMS
    ]
    return "\n".join(["", head, *rows, ""])


def broken_promises(rounds: Figures) -> list[str]:
    """A sentence for each promise that is not held."""
    found = {
        f"NOT held: {ratio(rounds, SERVICE):.3f} of the smallest view's CPU (at most {MOST_OF_THE_SMALLEST})": (
            ratio(rounds, SERVICE) > MOST_OF_THE_SMALLEST
        ),
        f"NOT held: {statements(rounds, SERVICE):.2f} SQL statements a request (at most {MOST_STATEMENTS})": (
            statements(rounds, SERVICE) > MOST_STATEMENTS
        ),
    }
    return [sentence for sentence, is_broken in found.items() if is_broken]


if __name__ == "__main__":
    main()
