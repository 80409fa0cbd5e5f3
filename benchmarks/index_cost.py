"""What the indexes of payments cost each write: `python -m benchmarks.index_cost`.

On a database of its own, two tables of the same payments stand beside each other: one with all indexes that the service has, and
one with the necessary ones alone, which are the primary key, the unique ones and those of foreign keys. In each round the same
payments are inserted into both and changed in both, by one statement each, so that nothing but the database is measured.
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

RESULT = PROJECT_DIR / "var" / "benchmarks" / "index_cost.json"
ALL, NECESSARY = "payments_with_all_indexes", "payments_with_necessary_indexes"

# Neither is emptied of old versions meanwhile: that work would fall into one measurement or another.
_TABLE = "CREATE TABLE {table} (LIKE transactions_transaction INCLUDING ALL) WITH (autovacuum_enabled = false)"
_FOREIGN_KEYS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'transactions_transaction'::regclass AND contype = 'f'
"""
# Each index with whether it is necessary, and its size in bytes. Those of foreign keys, which Django makes, have the key's column
# alone and hold every row.
_INDEXES = """
SELECT indexrelid::regclass::text, indisunique OR EXISTS (
  SELECT FROM pg_constraint WHERE conrelid = indrelid AND contype = 'f'
  AND indnkeyatts = 1 AND indpred IS NULL AND conkey[1] = indkey[0]
), pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = %(table)s::regclass
"""
_INSERT = "INSERT INTO {table} SELECT * FROM transactions_transaction WHERE id BETWEEN %(first)s AND %(last)s"
# As when Stripe has answered. A changed row moves, and every index has to learn where it is now.
_CHANGE = """
UPDATE {table} SET status = CASE status WHEN 'succeeded' THEN 'processing' ELSE 'succeeded' END,
  stripe_charge_id = 'ch_' || md5(order_id), version = version + 1, updated_at = now()
WHERE id BETWEEN %(first)s AND %(last)s
"""
WRITES = {"insert": _INSERT, "change": _CHANGE}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one kind of write: the medians of microseconds for a payment, and of the rounds' ratios."""

    write: str
    all_us: float
    necessary_us: float
    ratio: float

    @property
    def more_us(self) -> float:
        """What the other indexes cost each write."""
        return self.all_us - self.necessary_us


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON."""
    options = parse(arguments)
    with sandbox_service(options):
        figures = measure(options)
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, **figures})


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line. Ends the process with 2 where they cannot be meant."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index_cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--payments", type=int, default=100_000, help="that stand in each table before")
    parser.add_argument("--rows", type=int, default=20_000, help="written in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The costs of each kind of write, and how many indexes each table has and of what size; printed as they are known."""
    from benchmarks import admin_rows  # noqa: PLC0415 - Django is set up by now

    for _ in admin_rows.write_rows(options.payments + options.rounds * options.rows, admin_rows.PAYMENTS_ALONE):
        pass
    for table in (ALL, NECESSARY):
        _make(table, options.payments)
    seconds: dict[tuple[str, str], list[float]] = {(name, table): [] for name in WRITES for table in (ALL, NECESSARY)}
    for number in range(options.rounds):
        first = options.payments + number * options.rows + 1
        rows = {"first": first, "last": first + options.rows - 1}
        # Who begins in one round is last in the next: what the machine does besides falls on both.
        for name, statement in WRITES.items():
            for table in (ALL, NECESSARY) if number % 2 == 0 else (NECESSARY, ALL):
                seconds[name, table].append(_timed(statement.format(table=table), rows))
    costs = [_cost(name, seconds, options.rows) for name in WRITES]
    sizes = {table: _size(table) for table in (ALL, NECESSARY)}
    _tell(costs, sizes, options)
    return {"costs": [asdict(cost) for cost in costs], "indexes": sizes}


def _make(table: str, payments: int) -> None:
    """A table like that of the payments, with as many of them."""
    _execute(_TABLE.format(table=table))
    for (definition,) in _execute(_FOREIGN_KEYS):
        _execute(f"ALTER TABLE {table} ADD {definition}")
    if table == NECESSARY:
        for name, is_necessary, _ in _execute(_INDEXES, {"table": table}):
            if not is_necessary:
                _execute(f"DROP INDEX {name}")
    _execute(_INSERT.format(table=table), {"first": 1, "last": payments})


def _timed(statement: str, rows: dict[str, int]) -> float:
    """Seconds, of which none write what was changed before it."""
    _execute("CHECKPOINT")
    begun = time.perf_counter()
    _execute(statement, rows)
    return time.perf_counter() - begun


def _cost(name: str, seconds: dict[tuple[str, str], list[float]], rows: int) -> Cost:
    every, necessary = seconds[name, ALL], seconds[name, NECESSARY]
    ratio = median(own / its for own, its in zip(every, necessary, strict=True))
    return Cost(name, median(every) / rows * 1e6, median(necessary) / rows * 1e6, ratio)


def _size(table: str) -> dict[str, int]:
    found = _execute(_INDEXES, {"table": table})
    return {"indexes": len(found), "bytes": sum(size for _, _, size in found)}


def _tell(costs: Sequence[Cost], sizes: dict[str, dict[str, int]], options: argparse.Namespace) -> None:
    print(f"{'':10}{'all indexes':>14}{'necessary':>14}{'more':>12}{'ratio':>8}")
    for cost in costs:
        print(f"{cost.write:10}{cost.all_us:>11.1f} us{cost.necessary_us:>11.1f} us{cost.more_us:>9.1f} us{cost.ratio:>8.2f}")
    payments = options.payments + options.rounds * options.rows
    for table, size in sizes.items():
        print(f"{table}: {size['indexes']} indexes, {size['bytes'] / payments:,.0f} bytes a payment")


def _execute(statement: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Runs it, and gives its rows where it has any."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description is not None else []


if __name__ == "__main__":
    main()
