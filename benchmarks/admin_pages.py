"""How long the admin's pages take beside a million payments: `python -m benchmarks.admin_pages`.

On a database of its own, whose payments all lie in the last 30 days: 50 sellers, 200,000 refunds, two operations, an event in
and one out for each payment. A superuser asks for each page through the whole application, several times. What is printed of
each: how many queries it asks, the median of its times and of the database's part in them, and its slowest statement.
"""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.in_process import sandbox_service
from benchmarks.waiting import DEFAULT_SERVER, write
from benchmarks.workers import PROJECT_DIR

RESULT = PROJECT_DIR / "var" / "benchmarks" / "admin_pages.json"
# What each page is held to.
MOST_QUERIES = 30


@dataclass(frozen=True, slots=True)
class Measured:
    """One page: its name, its queries, the medians of its times, and the slowest of its statements in all rounds.

    `database_ms` is what it waits for its statements; most of the rest writes HTML.
    """

    name: str
    queries: int
    median_ms: float
    database_ms: float
    slowest_ms: float
    slowest: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON. Raises SystemExit(1) where a page asks too much."""
    options = parse(arguments)
    with sandbox_service(options):
        pages = measure(options)
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, "pages": [asdict(page) for page in pages]})
    too_many = [page.name for page in pages if page.queries > MOST_QUERIES]
    print(f"\n{'NOT held' if too_many else 'held'}: at most {MOST_QUERIES} queries a page {', '.join(too_many)}")
    raise SystemExit(1 if too_many else 0)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line. Ends the process with 2 where they cannot be meant."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.admin_pages", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--payments", type=int, default=1_000_000, help="in the last 30 days")
    parser.add_argument("--rounds", type=int, default=5, help="of each page")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> list[Measured]:
    """Every page, in the order in which they are printed."""
    from benchmarks import admin_rows, admin_visits  # noqa: PLC0415 - Django is set up by now
    from figures.operations import count_next_day  # noqa: PLC0415

    started = time.monotonic()
    for name in admin_rows.write_rows(options.payments):
        print(f"{time.monotonic() - started:6.0f} s  {name}", flush=True)
    measured = [_measure(visit, 1) for visit in admin_visits.before_anything_is_counted()]
    while count_next_day():
        pass
    print(f"\n{'page':52}{'queries':>8}{'median ms':>11}{'database ms':>13}{'slowest ms':>12}  slowest statement")
    for page in measured:
        print(_line(page))
    for visit in admin_visits.visits():
        measured.append(_measure(visit, options.rounds))
        print(_line(measured[-1]), flush=True)
    return measured


def _measure(visit: Any, rounds: int) -> Measured:
    seen = [visit.ask() for _ in range(rounds + 1)][1:]  # the first warms caches up that stay warm in a process
    slowest = max((query for one in seen for query in one.statements), key=lambda query: query.ms)
    return Measured(
        visit.name,
        max(len(one.statements) for one in seen),
        median(one.ms for one in seen),
        median(sum(query.ms for query in one.statements) for one in seen),
        slowest.ms,
        slowest.text,
    )


def _line(page: Measured) -> str:
    slowest = " ".join(page.slowest.split())[:70]
    times = f"{page.median_ms:>11.0f}{page.database_ms:>13.1f}{page.slowest_ms:>12.1f}"
    return f"{page.name:52}{page.queries:>8}{times}  {slowest}"


if __name__ == "__main__":
    main()
