"""A payout's statement as a table, as JSON and as CSV: line by line, so that a payout of any size is never held whole."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from commercecore_payments.management.terminal import printable
from commercecore_payments.money import format_amount
from commercecore_payments.spreadsheets import harmless
from payouts.statement import Line, Statement

COLUMNS = (
    "balance_transaction",
    "made_at",
    "type",
    "record",
    "record_id",
    "transaction_id",
    "order_id",
    "gross",
    "fee",
    "net",
    "currency",
    "explained",
)


def in_table(statement: Statement) -> Iterator[str]:
    """For people: amounts with their currency, and the totals below."""
    currency = statement.currency
    amount = format_amount(statement.amount_minor, currency)
    yield f"{statement.payout_id} of {statement.account.stripe_account_id}: {amount}, {statement.status}"
    for number, line in enumerate(statement.lines()):
        if number == 0:
            yield _row("type", "record", "order", "gross", "fee", "net")
        record = line.record.record_id if line.record is not None else f"UNEXPLAINED {line.source or line.id}"
        order = line.record.order_id if line.record is not None else ""
        yield _row(line.type, record, order, *(format_amount(one, line.currency) for one in _amounts(line)))
    for kind, total in sorted(statement.totals.items()):
        amounts = (format_amount(one, currency) for one in (total.gross_minor, total.fee_minor, total.net_minor))
        yield _row("total", f"{total.lines} of {kind}", "", *amounts)
    if statement.remark:
        yield statement.remark
    yield f"unexplained: {format_amount(statement.unexplained_minor, currency)}"


def _row(*cells: str) -> str:
    kind, record, order, gross, fee, net = (printable(cell) for cell in cells)
    return f"{kind:<16} {record:<30} {order:<24} {gross:>16} {fee:>14} {net:>16}".rstrip()


def _amounts(line: Line) -> tuple[int, int, int]:
    return line.gross_minor, line.fee_minor, line.net_minor


def in_json(statement: Statement) -> Iterator[str]:
    """For programs: one object, each of its lines on a line of its own. Amounts are in minor units."""
    head = {
        "payout": statement.payout_id,
        "account": statement.account.stripe_account_id,
        "status": statement.status,
        "automatic": statement.is_automatic,
        "complete": statement.is_complete,
        "made_at": statement.made_at.isoformat(),
        "amount": statement.amount_minor,
        "currency": statement.currency,
    }
    yield json.dumps(head)[:-1] + ', "lines": ['
    comma = " "
    for line in statement.lines():
        yield comma + json.dumps(_cells(line))
        comma = ","
    totals = {
        kind: {"lines": total.lines, "gross": total.gross_minor, "fee": total.fee_minor, "net": total.net_minor}
        for kind, total in sorted(statement.totals.items())
    }
    foot = {"totals": totals, "unexplained_lines": statement.unexplained_lines, "unexplained": statement.unexplained_minor}
    yield "], " + json.dumps({**foot, "remark": statement.remark})[1:]


def in_csv(statement: Statement) -> Iterator[str]:
    """For spreadsheets: the lines alone, each in one line. Amounts are in minor units."""
    yield _csv_row(COLUMNS)
    for line in statement.lines():
        yield _csv_row([harmless(value) for value in _cells(line).values()])


def _csv_row(values: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def _cells(line: Line) -> dict[str, Any]:
    record = line.record
    values = (
        line.id,
        line.made_at.isoformat(),
        line.type,
        record.what if record is not None else "",
        record.record_id if record is not None else line.source,
        record.transaction_id if record is not None else "",
        record.order_id if record is not None else "",
        *_amounts(line),
        line.currency,
        line.is_explained,
    )
    return dict(zip(COLUMNS, values, strict=True))


FORMATS: Mapping[str, Callable[[Statement], Iterator[str]]] = {"table": in_table, "json": in_json, "csv": in_csv}
