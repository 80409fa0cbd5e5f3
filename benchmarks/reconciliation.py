"""What comparing a million objects takes beside reading the same lists alone: `python -m benchmarks.reconciliation`.

On a database of its own, with the books of 50 sellers on both sides, which agree to the cent. `manage.py reconcile` compares the
smallest seller and then all of them, each in a process of its own; another one reads the bare lists. It ends with 1 where the
comparison of all takes more memory than is promised, or finds a difference.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.waiting import DEFAULT_SERVER, write
from benchmarks.workers import PROJECT_DIR
from proofs.database import own_database

RESULT = PROJECT_DIR / "var" / "benchmarks" / "reconciliation.json"
# Objects at Stripe that a payment comes to as `proofs.drift_seeds` makes them: 328,490 of 100,000 payments. With its charge,
# its balance transactions, and its share of the refunds, disputes, fees and payouts.
OBJECTS_A_PAYMENT = 3.28
SEED = 1
# Kilobytes that the comparison of all may take beyond that of the smallest seller: what docs/performance.md promises.
MOST_GROWTH_KB = 20_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON. Raises SystemExit(1) where a promise is not held."""
    options = parse(arguments)
    with own_database(options.postgres_url):
        figures = measure(options)
    print(text(figures))
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, **figures})
    held = figures["growth_kb"] <= MOST_GROWTH_KB and figures["differences"] == 0
    grown, most = figures["growth_kb"] / 1000, MOST_GROWTH_KB / 1000
    print(f"{'held' if held else 'NOT held'}: memory grows by {grown:.1f} MB (at most {most:g})")
    sys.exit(0 if held else 1)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reconciliation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--objects", type=int, default=1_000_000, help="at Stripe, about so many")
    parser.add_argument("--accounts", type=int, default=50, help="that they are of")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Makes the books, and compares them."""
    from proofs.drift import bare_listing, reconcile  # noqa: PLC0415 - Django is set up by now
    from proofs.drift_seeds import seed_books  # noqa: PLC0415

    seeded = seed_books(accounts=options.accounts, payments=int(options.objects / OBJECTS_A_PAYMENT), seed=SEED)
    print(f"{seeded.payments:,} payments of {options.accounts} sellers are made", flush=True)
    one, every = reconcile("--account", seeded.accounts[-1]), reconcile()
    listed, listing_s = bare_listing()
    return {
        "objects": every.objects,
        "seconds": every.seconds,
        "objects_a_second": every.objects_a_second,
        "listed_a_second": round(listed / listing_s),
        "ratio": (every.objects / every.seconds) / (listed / listing_s),
        "objects_of_one": one.objects,
        "memory_of_one_kb": one.memory_kb,
        "memory_kb": every.memory_kb,
        "growth_kb": every.memory_kb - one.memory_kb,
        "differences": every.found["differences"]["total"],
    }


def text(figures: dict[str, Any]) -> str:
    """The table."""
    head = f"{'comparing both books':24}{'objects':>12}{'a second':>10}{'bare list/s':>13}{'ratio':>7}{'MB':>8}"
    one = f"{'the smallest seller':24}{figures['objects_of_one']:>12,}{'':>30}{figures['memory_of_one_kb'] / 1000:>8.1f}"
    rates = f"{figures['objects_a_second']:>10,}{figures['listed_a_second']:>13,}{figures['ratio']:>7.2f}"
    every = f"{'all':24}{figures['objects']:>12,}{rates}{figures['memory_kb'] / 1000:>8.1f}"
    return "\n".join(["", head, one, every, ""])


if __name__ == "__main__":
    main()
