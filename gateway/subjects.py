"""The records that operations are about, as the admin knows them.

The gateway imports none of the apps that it serves: a record's model is found by its name, and everything else is asked of
that model's own RecordAdmin.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Protocol

from django.apps import apps
from django.contrib import admin
from django.db.models import Model, Q

from commercecore_payments.admin.lists import MOST_RELATED, holding
from commercecore_payments.admin.records import RecordAdmin, Stake
from gateway.models import Operation, subject_type


class AboutARecord(Protocol):
    """An operation, or an event: it names the record that it is about."""

    subject_type: str
    subject_id: int


def subject_model(name: str) -> type[Model] | None:
    """The model of an operation's subject, by its name."""
    return next((model for model in apps.get_models() if subject_type(model) == name), None)


def record_admin(model: type[Model]) -> RecordAdmin | None:
    """The admin of the model; None where it has none."""
    found = admin.site.get_model_admin(model) if admin.site.is_registered(model) else None
    return found if isinstance(found, RecordAdmin) else None


def subject_of(operation: Operation) -> Model | None:
    """The record that the operation is about, read from the database."""
    model = subject_model(operation.subject_type)
    return model._default_manager.filter(pk=operation.subject_id).first() if model is not None else None


def stake_of(operation: Operation) -> Stake:
    """What is at stake with the record that the operation is about."""
    record = subject_of(operation)
    known = record_admin(type(record)) if record is not None else None
    return known.stake_of(record) if known is not None else Stake()


def name_of(record: Model) -> str:
    known = record_admin(type(record))
    return known.name_of(record) if known is not None else str(record)


def names_of_subjects(rows: Iterable[AboutARecord]) -> dict[tuple[str, int], str]:
    """The names of the records that `rows` are about, by type and key: one query a type."""
    keys: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        keys[row.subject_type].add(row.subject_id)
    return {(name, key): text for name in keys for key, text in _names(name, keys[name])}


def _names(name: str, keys: set[int]) -> Iterator[tuple[int, str]]:
    model = subject_model(name)
    known = record_admin(model) if model is not None else None
    if known is not None:
        yield from known.names_of(keys).items()


def about_a_record_called(term: str) -> Q:
    """The operations about a record of which an id begins with `term`, by the fields that its own admin names.

    The records are looked up first, at most MOST_RELATED of each kind: a term that so many ids begin with names none of them.
    """
    about = Q()
    for model in apps.get_models():
        known = record_admin(model)
        if known is None or not known.search_fields_of_operations:
            continue
        called = model._default_manager.filter(holding(model, list(known.search_fields_of_operations), term))
        keys = list(called.order_by().values_list("pk", flat=True)[:MOST_RELATED])
        if keys:
            about |= Q(subject_type=subject_type(model), subject_id__in=keys)
    return about or Q(pk__in=[])
