"""Copies of the sandbox's objects, by the thousand: their JSON is cut once where ids and times stand, and put together anew."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from sandbox.models import SandboxObject

# Seconds since 1970 between 2017 and 2033, as a number of its own: no amount is as large.
_TIME = r"(?<=[ \[])1[5-9]\d{8}(?=[,\]}])"
_COLUMNS = (
    "account",
    "object_type",
    "stripe_id",
    "created_at",
    "deleted",
    "customer",
    "payment_intent",
    "charge",
    "data",
    "hidden",
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One object. Every second of `pieces` is an id or a time, which a copy has anew."""

    row: SandboxObject
    pieces: list[str]

    @classmethod
    def of(cls, row: SandboxObject, names: Sequence[str]) -> "Sheet":
        """`names` are the texts that copies have anew, wherever they stand."""
        longest_first = sorted(map(re.escape, names), key=len, reverse=True)
        return cls(row, re.split(f"({'|'.join([*longest_first, _TIME])})", json.dumps(row.data)))

    def copy(self, names: Mapping[str, str], shift: timedelta, hidden: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        """A row for `insert`: each name replaced by its new one, each time moved, `hidden` instead of what was hidden."""
        row, seconds = self.row, int(shift.total_seconds())
        pieces = self.pieces.copy()
        for place in range(1, len(pieces), 2):
            piece = pieces[place]
            pieces[place] = names[piece] if piece in names else str(int(piece) + seconds)
        return (
            names.get(row.account, row.account),
            row.object_type,
            names[row.stripe_id],
            row.created_at + shift,
            row.deleted,
            row.customer,
            names.get(row.payment_intent, row.payment_intent),
            names.get(row.charge, row.charge),
            "".join(pieces),
            json.dumps(row.hidden if hidden is None else hidden),
        )


def shifted(data: Mapping[str, Any], by: timedelta, *, later_than: datetime) -> dict[str, Any]:
    """The same JSON with all times moved that are later than a moment."""
    seconds, since = int(by.total_seconds()), int(later_than.timestamp())

    def move(found: re.Match[str]) -> str:
        moment = int(found.group())
        return str(moment + seconds if moment >= since else moment)

    return dict(json.loads(re.sub(_TIME, move, json.dumps(data))))


def insert(rows: Iterable[tuple[Any, ...]]) -> None:
    """Writes rows into the sandbox's table, past everybody: nobody is told."""
    table, columns = SandboxObject._meta.db_table, ", ".join(_COLUMNS)
    places = ", ".join(["%s"] * len(_COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(rows))  # noqa: S608 - our own names
