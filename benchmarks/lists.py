"""What a page of the API's lists costs, the first and one at 90% of the depth: `python -m benchmarks.lists`.

On a database of its own with a million rows in each list, all of one app. Each page is asked for through the whole application,
the first and the deep one in turn, and every statement is read: none may count or skip rows. Ends with 1 where a deep page costs
more than 1.5 times the first, or where something is counted.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.in_process import sandbox_service
from benchmarks.waiting import DEFAULT_SERVER, write
from benchmarks.workers import PROJECT_DIR

RESULT = PROJECT_DIR / "var" / "benchmarks" / "lists.json"
# What a deep page may cost, times the first.
AT_MOST = 1.5
DEPTH = 0.9
# Rows of a page, as of one that names no limit.
PAGE = 20
# What no statement of a list may say: rows are counted by the first, and read to be thrown away by the second.
FORBIDDEN = ("COUNT(", " OFFSET ")
# The rate limiter's, which is no statement of a list: it counts the caller's own two rows, as it does for every request.
OF_THE_LIMITER = "rate_limits_bucket"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as it is asked for, and the statement that finds the id of its row at a depth, of which `{}` is the number."""

    name: str
    address: str
    row_at: str
    rows: str
    begins: str = "starting_after"


@dataclass(frozen=True, slots=True)
class Measured:
    """A list: its rows, how deep the deep page lies, the medians of both pages in milliseconds, and of the rounds' ratios."""

    name: str
    rows: int
    depth: int
    first_ms: float
    deep_ms: float
    ratio: float
    queries: int
    database_ms: float
    forbidden: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return self.ratio <= AT_MOST and not self.forbidden


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table, and writes all figures as JSON. Raises SystemExit(1) where a promise does not hold."""
    options = parse(arguments)
    with sandbox_service(options):
        lists = measure(options)
    write(options.output, {"options": vars(options) | {"output": str(options.output)}, "lists": [asdict(one) for one in lists]})
    broken = [one.name for one in lists if not one.holds]
    print(
        f"\n{'NOT held' if broken else 'held'}: at most {AT_MOST} times the first page, and nothing counted {', '.join(broken)}"
    )
    raise SystemExit(1 if broken else 0)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line. Ends the process with 2 where they cannot be meant."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="in each list")
    parser.add_argument("--rounds", type=int, default=30, help="of each page")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL") or DEFAULT_SERVER, help="a PostgreSQL server"
    )
    parser.add_argument("--output", type=Path, default=RESULT, help="where all figures are written to")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> list[Measured]:
    """Every list, in the order in which they are printed."""
    from benchmarks import admin_rows, list_rows  # noqa: PLC0415 - Django is set up by now

    started = time.monotonic()
    for name in admin_rows.write_rows(options.rows, list_rows.KINDS, list_rows.MORE):
        print(f"{time.monotonic() - started:6.0f} s  {name}", flush=True)
    _count_events(options.rows)
    print(f"\n{'list':42}{'rows':>10}{'depth':>9}{'first ms':>10}{'deep ms':>9}{'ratio':>7}{'queries':>9}{'database ms':>13}")
    measured = []
    client = _client()
    for listed in _lists():
        measured.append(_measure(listed, client, options.rounds))
        print(_line(measured[-1]), flush=True)
    return measured


def _count_events(rows: int) -> None:
    from developers.models import App  # noqa: PLC0415 - Django is set up by now
    from webhooks.models import EventCounter  # noqa: PLC0415

    EventCounter.objects.create(app=App.objects.get(), last_sequence=rows)


def _client() -> Any:
    """A caller of the app whose rows all are."""
    from django.test import Client  # noqa: PLC0415 - Django is set up by now

    from developers.models import Developer  # noqa: PLC0415
    from developers.operations import issue_token  # noqa: PLC0415

    _, token = issue_token(developer=Developer.objects.get(), name="benchmark")
    headers = {"X-Developer-Token": token, "X-App-ID": "ap_benchmark", "X-User-ID": "usr_benchmark"}
    return Client(headers=headers, SERVER_NAME="127.0.0.1")


_ACCOUNT = "(SELECT min(id) FROM accounts_connectedaccount)"
# The tables that are listed newest first, each with the column of its public id.
_TRANSACTIONS = ("transactions_transaction", "stripe_payment_intent_id")
_REFUNDS = ("refunds_refund", "stripe_refund_id")
_ACCOUNTS = ("accounts_connectedaccount", "stripe_account_id")
_METHODS = ("paymentmethods_paymentmethod", "stripe_payment_method_id")
# What is asked below `/api/v1/`, of which table, and which of its rows are listed then.
_NEWEST_FIRST = (
    ("transactions", _TRANSACTIONS, "true"),
    ("transactions?status=succeeded", _TRANSACTIONS, "status = 'succeeded'"),
    ("transactions?account_id=acct_bench000001", _TRANSACTIONS, f"account_id = {_ACCOUNT}"),
    ("transactions?user_id=usr_7", _TRANSACTIONS, "user_id = 'usr_7'"),
    ("transactions?amount=1000", _TRANSACTIONS, "amount_minor = 1000"),
    ("transactions?created_from=0", _TRANSACTIONS, "true"),
    ("refunds", _REFUNDS, "true"),
    ("refunds?status=succeeded", _REFUNDS, "status = 'succeeded'"),
    ("refunds?account_id=acct_bench000001", _REFUNDS, f"account_id = {_ACCOUNT}"),
    ("refunds?amount=1000", _REFUNDS, "amount_minor = 1000"),
    ("connected-accounts", _ACCOUNTS, "status = 'active'"),
    ("payment-methods", _METHODS, "true"),
)


def _lists() -> Iterator[Listed]:
    """Each list, and those of its filters that an index leads through."""
    for asked, (table, identifier), listed in _NEWEST_FIRST:
        rows = f"FROM {table} WHERE {listed}"  # names of our own
        order = f"{rows} ORDER BY created_at DESC, id DESC"
        address = f"/api/v1/{asked}{'&' if '?' in asked else '?'}limit={PAGE}"
        yield Listed(asked, address, f"SELECT {identifier} {order} OFFSET {{}} LIMIT 1", f"SELECT count(*) {rows}")
    events = "FROM webhooks_event"
    in_order = f"SELECT sequence {events} ORDER BY sequence OFFSET {{}} LIMIT 1"
    yield Listed("events", f"/api/v1/events?limit={PAGE}", in_order, f"SELECT count(*) {events}", "after")


def _measure(listed: Listed, client: Any, rounds: int) -> Measured:
    from benchmarks.admin_visits import Visit  # noqa: PLC0415 - Django is set up by now

    rows = int(_one(listed.rows))
    depth = int(rows * DEPTH)
    deep_address = f"{listed.address}&{listed.begins}={_one(listed.row_at.format(depth))}"
    first, deep = Visit(listed.name, listed.address, client), Visit(listed.name, deep_address, client)
    # The first warms caches up that stay warm in a process; who begins in one round is last in the next.
    seen = [_both(first, deep, number) for number in range(rounds + 1)][1:]
    texts = [statement.text for pair in seen for visit in pair for statement in visit.statements]
    return Measured(
        listed.name,
        rows,
        depth,
        median(own.ms for own, _ in seen),
        median(its.ms for _, its in seen),
        median(its.ms / own.ms for own, its in seen),
        max(len(its.statements) for _, its in seen),
        median(sum(statement.ms for statement in its.statements) for _, its in seen),
        sorted({text for text in texts if _is_forbidden(text)}),
    )


def _is_forbidden(text: str) -> bool:
    return OF_THE_LIMITER not in text and any(word in text.upper() for word in FORBIDDEN)


def _both(first: Any, deep: Any, number: int) -> tuple[Any, Any]:
    if number % 2 == 0:
        return first.ask(), deep.ask()
    its = deep.ask()
    return first.ask(), its


def _one(statement: str) -> Any:
    from django.db import connection  # noqa: PLC0415 - Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def _line(one: Measured) -> str:
    times = f"{one.first_ms:>10.1f}{one.deep_ms:>9.1f}{one.ratio:>7.2f}{one.queries:>9}{one.database_ms:>13.1f}"
    return f"{one.name:42}{one.rows:>10,}{one.depth:>9,}{times}{'' if one.holds else '  NOT held'}"


if __name__ == "__main__":
    main()
