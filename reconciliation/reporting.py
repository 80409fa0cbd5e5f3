"""What a comparison found, as a table for people, JSON for programs, and CSV with a line for each difference."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from commercecore_payments.management.terminal import printable
from commercecore_payments.money import format_amount
from commercecore_payments.spreadsheets import harmless
from reconciliation.booking import Report, cases_of, in_order
from reconciliation.differences import Difference
from reconciliation.mending import MENDS, SAFE, is_mendable
from reconciliation.models import Case, DifferenceType, ObjectKind, Run

# Differences that the table names: what fits a screen below the figures. JSON and CSV name all of them.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One difference, as it is reported. At stake: minor units of `currency`."""

    type: str
    kind: str
    object_id: str
    account_id: str
    state: str
    proposal: str
    at_stake_minor: int
    currency: str
    case: int | None
    summary: str
    here: Mapping[str, Any] = field(default_factory=dict)
    there: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """All that is reported. `run` is None where nothing was written down."""

    run: int | None
    compared: Mapping[str, int]
    differences: Mapping[str, int]
    young: int
    accepted: int
    mended: int
    left_open: int
    # Of those that are left open: what `--fix safe` would mend. None of it where it was tried.
    mendable: int
    at_stake: Mapping[str, int]
    # What could not be compared, and why.
    not_compared: Mapping[str, str]

    @property
    def total_compared(self) -> int:
        return sum(self.compared.values())

    @property
    def total_differences(self) -> int:
        return sum(self.differences.values())


def result_of_run(run: Run) -> Result:
    return Result(
        run=run.pk,
        compared=run.compared,
        differences=run.differences,
        young=run.young,
        accepted=run.accepted,
        mended=run.mended,
        left_open=run.left_open,
        mendable=_mendable_of(run),
        at_stake=run.at_stake,
        not_compared=run.not_compared,
    )


def _mendable_of(run: Run) -> int:
    if run.mends:
        return 0
    return cases_of(run).open().filter(proposal__in=SAFE, kind__in=list(MENDS)).count()


def result_of_report(report: Report, compared: Mapping[str, int]) -> Result:
    found = list(report)
    at_stake: Counter[str] = Counter()
    for one in found:
        at_stake[one.currency] += one.at_stake_minor
    return Result(
        run=None,
        compared=compared,
        differences=in_order(Counter(one.type.value for one in found)),
        young=report.young,
        accepted=0,
        mended=0,
        left_open=len(found),
        mendable=sum(is_mendable(one.proposal, one.kind) for one in found),
        at_stake={currency: total for currency, total in sorted(at_stake.items()) if total},
        not_compared={},
    )


def lines_of_run(run: Run) -> Iterable[Line]:
    """Each difference of the run, those that were mended too, one after the other."""
    cases = cases_of(run).exclude(status=Case.Status.ACCEPTED).order_by("status", "pk")
    for case in cases.iterator():
        yield Line(
            type=case.type,
            kind=case.kind,
            object_id=case.object_id,
            account_id=case.account_id_at_stripe,
            state=case.status,
            proposal=case.proposal,
            at_stake_minor=case.at_stake_minor,
            currency=case.currency,
            case=case.pk,
            summary=case.summary,
            here=case.here,
            there=case.there,
        )


def lines_of_report(report: Report) -> Iterable[Line]:
    for key, one in report.items():
        yield _line(one, account_id=key[2])


def _line(one: Difference, *, account_id: str) -> Line:
    return Line(
        type=one.type.value,
        kind=one.kind.value,
        object_id=one.object_id,
        account_id=account_id,
        state=Case.Status.OPEN.value,
        proposal=one.proposal.value,
        at_stake_minor=one.at_stake_minor,
        currency=one.currency,
        case=None,
        summary=one.summary,
        here=one.here,
        there=one.there,
    )


def as_table(result: Result, lines: Iterable[Line]) -> str:
    rows = [("Compared", result.total_compared)]
    rows += [(f"  {ObjectKind(kind).label.lower()}s", number) for kind, number in result.compared.items()]
    rows += [("Differences", result.total_differences)]
    rows += [(f"  {DifferenceType(kind).label.lower()}", number) for kind, number in result.differences.items()]
    rows += [("Mended", result.mended)]
    rows += [("Can be mended", result.mendable)] if result.mendable else []
    rows += [("Left for a person", result.left_open - result.mendable)]
    rows += [("Accepted earlier", result.accepted)] if result.accepted else []
    rows += [("Too young to tell", result.young)] if result.young else []
    stake = ", ".join(format_amount(total, currency) for currency, total in result.at_stake.items()) or "nothing"
    width = max(len(name) for name, _ in rows)
    text = "\n".join(f"{name:<{width}}  {number:>9,}" for name, number in rows)
    missed = "".join(f"Not compared: {what}. {printable(why)}\n" for what, why in result.not_compared.items())
    return f"{text}\n{'At stake':<{width}}  {stake}\n{missed}{_named(result, lines)}"


def _named(result: Result, lines: Iterable[Line]) -> str:
    """What is left, as far as it fits a screen."""
    left = [line for line in lines if line.state == Case.Status.OPEN]
    told = [
        printable(f"{_case(line)}{line.type} {line.object_id} ({line.account_id or 'platform'}): {line.summary}")
        for line in left[:MOST_NAMED]
    ]
    more = len(left) - len(told)
    where = f", in the cases of run {result.run}" if result.run is not None else ""
    told += [f"… and {more} more{where}."] if more > 0 else []
    return "".join(f"{line}\n" for line in ["", *told]) if told else ""


def _case(line: Line) -> str:
    return "" if line.case is None else f"case {line.case}, "


def as_json(result: Result, lines: Iterable[Line]) -> str:
    content = {
        "run": result.run,
        "compared": {**result.compared, "total": result.total_compared},
        "differences": {**result.differences, "total": result.total_differences},
        "mended": result.mended,
        "left_open": result.left_open,
        "mendable": result.mendable,
        "accepted": result.accepted,
        "young": result.young,
        "at_stake": dict(result.at_stake),
        "not_compared": dict(result.not_compared),
        "cases": [_fields(line) for line in lines],
    }
    return json.dumps(content, indent=2) + "\n"


def _fields(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line.__slots__}


def as_csv(_result: Result, lines: Iterable[Line]) -> str:
    names = [name for name in Line.__slots__ if name not in ("here", "there")]
    written = StringIO()
    table = csv.writer(written)
    table.writerow(names)
    for line in lines:
        table.writerow([harmless(getattr(line, name)) for name in names])
    return written.getvalue()


FORMATS = {"table": as_table, "json": as_json, "csv": as_csv}
