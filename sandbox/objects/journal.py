"""One change of the sandbox: a transaction, and the events of everything that it changed.

Objects are written inside of a change alone, so that none can be written without its events.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from sandbox.api import waiting
from sandbox.models import SandboxObject
from sandbox.objects import events
from sandbox.timeline import clock


@dataclass
class Journal:
    """What a change has touched so far, in order: each object's state before it, None for one that was not there."""

    cause: events.Cause
    before: dict[int, dict[str, Any] | None] = field(default_factory=dict)
    # What is told last, by its name.
    told_last: dict[str, Callable[[events.Cause], None]] = field(default_factory=dict)


_journal: ContextVar[Journal | None] = ContextVar("sandbox_journal", default=None)


class OutsideOfAChange(Exception):
    """A programming error: an object was written where nobody tells of it."""


@contextmanager
def change(cause: events.Cause = events.BY_ITSELF) -> Iterator[None]:
    """While open, objects may be written; at its end their events are. An exception takes back both.

    It is one moment of the sandbox's time: what it makes due at once is not dated before the events that led to it.
    Inside of another change it is a part of that one.
    """
    if _journal.get() is not None:
        yield
        return
    journal = Journal(cause)
    with transaction.atomic(), waiting.limited(), clock.as_of(clock.now()):
        token = _journal.set(journal)
        try:
            yield
        finally:
            _journal.reset(token)
        events.record(_changes(journal), cause)
        for tell in journal.told_last.values():
            tell(cause)


def cause() -> events.Cause:
    """The request behind the open change."""
    return _open().cause


def note_insertion(row: SandboxObject) -> None:
    """Tells the open change of an object that was made in it."""
    _open().before[row.pk] = None


def note_writing(row: SandboxObject) -> None:
    """Tells the open change of an object that is about to be written; the first such call keeps what was before."""
    journal = _open()
    if row.pk not in journal.before:
        journal.before[row.pk] = SandboxObject.objects.values_list("data", flat=True).get(pk=row.pk)


def tell_last(name: str, tell: Callable[[events.Cause], None]) -> None:
    """Has an event written after those of the objects, by `tell`, which sees what the open change has left: once for a name."""
    _open().told_last.setdefault(name, tell)


def _open() -> Journal:
    journal = _journal.get()
    if journal is None:
        raise OutsideOfAChange("Sandbox objects are written inside of journal.change() alone.")
    return journal


def _changes(journal: Journal) -> list[events.Change]:
    rows = SandboxObject.objects.in_bulk(list(journal.before))
    return [events.Change(rows[pk], before) for pk, before in journal.before.items() if rows[pk].data != before]
