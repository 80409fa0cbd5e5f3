"""The few statements that every payment sends, each composed once instead of anew for every request.

The ORM composes a statement out of objects each time, which costs several times what sending it does (docs/performance.md).
Here the same models tell the columns, once for each model and kind of database, and the values are prepared by their fields as
always. One way for SQLite and PostgreSQL: `FOR UPDATE` is left out where there is one writer at a time.

Names of tables and columns come from the models and from this project's own source; values are always parameters.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field, Model, TextChoices
from django.db.models.expressions import Col

from commercecore_payments import clock
from commercecore_payments.database_kind import is_postgresql
from commercecore_payments.instances import stored_row

# What fields of these kinds hand to the database as it is, as is most of what is written. Asking them costs more than all else.
AS_THEY_ARE = frozenset({str, int, bool, type(None)})
PLAIN_FIELDS = frozenset(
    {"CharField", "TextField", "BooleanField", "ForeignKey", "BigAutoField"}
    | {"BigIntegerField", "IntegerField", "PositiveIntegerField", "PositiveSmallIntegerField", "EmailField"}
)


@dataclass(frozen=True, slots=True)
class ByClock:
    """Stands for a value: what the database's clock shows when the statement begins, and so much later."""

    later: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class KeyOfSubject:
    """Stands for a value: the key of the subject that is inserted in the same statement."""


@dataclass(frozen=True, slots=True)
class While:
    """The row of `model` that has to be as `columns` say when something is inserted; it stays locked until the end.

    `strength` is how PostgreSQL locks it.
    """

    model: type[Model]
    columns: Mapping[str, Any]
    strength: str = "UPDATE"


@dataclass(frozen=True, slots=True)
class Unless:
    """Rows of `model` that must not be there: as `columns` say, and with one of some words in `column`."""

    model: type[Model]
    columns: Mapping[str, Any]
    column: str
    is_one_of: Sequence[str]


def insert(
    row: Model, *, times: Mapping[str, timedelta] | None = None, only_while: While | None = None, unless_there: bool = False
) -> bool:
    """Inserts a new row, as `row.save(force_insert=True)` would; False where `only_while` does not hold, and nothing was done.

    The columns that `times` names are set by the database's clock, so much later, and stand in `row` afterwards. Raises
    IntegrityError where a unique constraint is against it; with `unless_there` that is False, and nothing was done either.
    """
    times = times or {}
    source, conditions = _held(only_while) if only_while is not None else ("", [])
    insertion, parameters = _insertion_of(row, {name: ByClock(later) for name, later in times.items()}, source)
    with connection.cursor() as cursor:
        cursor.execute(f"{insertion} {_ending(type(row), tuple(times), unless_there)}", [*parameters, *conditions])
        found = cursor.fetchone()
    if found is None:
        return False
    _take_over(row, found, times)
    return True


def insert_with_subject(
    row: Model, subject: Model, *, key: str, times: Mapping[str, timedelta], subject_while: While, row_while: While | None
) -> bool:
    """Inserts `subject`, and `row` with the key of the subject in its column `key`: both, or none of them.

    None, and the answer is False, where `subject_while` or `row_while` does not hold. `times` are those of `row`, as for
    `insert`. Raises IntegrityError where a unique constraint is against either; then nothing was done, too.

    PostgreSQL does it in one statement, which needs no transaction around it. SQLite knows no such statement.
    """
    if not is_postgresql():
        return _insert_one_after_the_other(row, subject, key, times, subject_while, row_while)
    held, held_parameters = _held_in_turn(subject_while, row_while)
    first, subject_parameters = _insertion_of(subject, {}, f"FROM {_quoted(held[-1][0])}")
    second, row_parameters = _insertion_of(
        row, {key: KeyOfSubject(), **{name: ByClock(later) for name, later in times.items()}}, 'FROM "subject"'
    )
    returned = _ending(type(subject), (), unless_there=False)
    parts = ", ".join(f"{_quoted(name)} AS ({sql})" for name, sql in (*held, ("subject", f"{first} {returned}")))
    sql = f"WITH {parts} {second} {_ending(type(row), (*times, key), unless_there=False)}"
    # Where a transaction is open already, it has to survive a refusal.
    with transaction.atomic() if connection.in_atomic_block else nullcontext(), connection.cursor() as cursor:
        cursor.execute(sql, [*held_parameters, *subject_parameters, *row_parameters])
        found = cursor.fetchone()
    if found is None:
        return False
    *of_row, subject_key = found
    _take_over(subject, [subject_key], ())
    _take_over(row, of_row, times)
    setattr(row, key, subject_key)
    return True


def _insert_one_after_the_other(  # noqa: PLR0917 - those of its only caller
    row: Model, subject: Model, key: str, times: Mapping[str, timedelta], subject_while: While, row_while: While | None
) -> bool:
    with transaction.atomic():
        done = insert(subject, only_while=subject_while)
        setattr(row, key, subject.pk)
        done = done and insert(row, times=times, only_while=row_while)
        transaction.set_rollback(not done)
    return done


def _held(only_while: While) -> tuple[str, list[Any]]:
    """What follows the values of an insertion that is made while a row is as it has to be, and its parameters."""
    conditions, parameters = _conditions(only_while.model, only_while.columns)
    return _from(only_while.model, conditions, for_update(only_while.strength)), parameters


def _held_in_turn(*rows: While | None) -> tuple[list[tuple[str, str]], list[Any]]:
    """Parts of a statement that lock the rows, each the next one's condition: so they are locked in this order, always."""
    parts: list[tuple[str, str]] = []
    parameters: list[Any] = []
    for each in rows:
        if each is not None:
            conditions, more = _conditions(each.model, each.columns)
            table, before = _quoted(each.model._meta.db_table), f"{_quoted(parts[-1][0])}, " if parts else ""
            lock = f"{words} OF {table}" if (words := for_update(each.strength)) else ""
            parts.append((f"held_{len(parts)}", f"SELECT 1 AS held FROM {before}{table} WHERE {conditions} {lock}"))  # noqa: S608
            parameters += more
    return parts, parameters


def _insertion_of(row: Model, stand_ins: Mapping[str, Any], source: str) -> tuple[str, list[Any]]:
    """The insertion of a row with `source` behind its values, and its parameters; `stand_ins` come in place of its own values."""
    fields = _inserted_fields(type(row), row.pk is None)
    values = {f.attname: stand_ins[f.attname] if f.attname in stand_ins else getattr(row, f.attname) for f in fields}
    texts, parameters = _values(fields, values)
    return _insertion(type(row), tuple(f.attname for f in fields), tuple(texts), source), parameters


def _take_over(row: Model, found: Sequence[Any], times: Iterable[str]) -> None:
    """What the database made of a new row: its key, and the times, as their fields read them: SQLite returns text."""
    row.pk = found[0]
    for name, value in zip(times, found[1:], strict=True):
        moment = value
        for convert in _converters(type(row), name):
            moment = convert(moment, None, connection)
        setattr(row, name, moment)
    row._state.adding = False
    row._state.db = DEFAULT_DB_ALIAS


def update(
    model: type[Model],
    key: Any,
    values: Mapping[str, Any],
    *,
    guard: Mapping[str, Any],
    unless_locked: bool = False,
    unless_exists: Unless | None = None,
) -> bool:
    """Changes the row of this key where all that `guard` names stands in it, and `unless_exists` finds nothing; whether it did.

    With `unless_locked` a row that somebody else has locked is not waited for, and counts as one that does not fit.
    """
    texts, parameters = _values([_field(model, name) for name in values], values)
    conditions, more = _conditions(model, {_key(model).attname: key, **guard})
    if unless_exists is not None:
        without, others = _absence(unless_exists)
        conditions, more = f"{conditions} AND {without}", [*more, *others]
    skips = unless_locked and is_postgresql()
    sql = _change(model, tuple(values), tuple(texts), conditions, skips)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, *more, *([key] if skips else [])])
        return bool(cursor.rowcount == 1)


def lock(model: type[Model], key: Any, *names: str, strength: str = "UPDATE") -> tuple[Any, ...] | None:
    """Locks the row of this key until the end of the transaction; what stands in its columns, or None where there is none."""
    conditions, parameters = _conditions(model, {_key(model).attname: key})
    columns = ", ".join(_quoted(_field(model, name).column) for name in names)
    sql = f"SELECT {columns} {_from(model, conditions, for_update(strength))}"
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


@dataclass(frozen=True)
class Selection:
    """The rows of several models in one statement: `source` is what follows SELECT, with an alias for each model."""

    models: Mapping[str, type[Model]]
    source: str

    def first(self, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        """The instances of the first row found, one of each model, None where its key is; None where no row is found."""
        sql, parts = _selected(tuple(self.models.items()), self.source)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found = cursor.fetchone()
        if found is None:
            return None
        return tuple(_instance(model, found[part]) for model, part in zip(self.models.values(), parts, strict=True))


def _instance(model: type[Model], values: Sequence[Any]) -> Model | None:
    if values[_key_position(model)] is None:
        return None
    read = list(values)
    for position, converters in _all_converters(model):
        for convert in converters:
            read[position] = convert(read[position], None, connection)
    return stored_row(model, zip(column_names(model), read, strict=True))


@cache
def _selected(models: tuple[tuple[str, type[Model]], ...], source: str) -> tuple[str, tuple[slice, ...]]:
    """The statement, and which part of a row belongs to each model."""
    names: list[str] = []
    parts = []
    for alias, model in models:
        begin = len(names)
        names += [f"{alias}.{_quoted(f.column)}" for f in model._meta.concrete_fields]
        parts.append(slice(begin, len(names)))
    return f"SELECT {', '.join(names)} {source}", tuple(parts)


@cache
def _insertion(model: type[Model], names: tuple[str, ...], texts: tuple[str, ...], source: str) -> str:
    columns = ", ".join(_quoted(_field(model, name).column) for name in names)
    rows = f"SELECT {', '.join(texts)} {source}" if source else f"VALUES ({', '.join(texts)})"
    return f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) {rows}"


@cache
def _ending(model: type[Model], returned: tuple[str, ...], unless_there: bool) -> str:
    back = ", ".join(_quoted(_field(model, name).column) for name in (_key(model).attname, *returned))
    return f"{'ON CONFLICT DO NOTHING ' if unless_there else ''}RETURNING {back}"


@cache
def _change(model: type[Model], names: tuple[str, ...], texts: tuple[str, ...], conditions: str, skips_locked: bool) -> str:
    table, key = _quoted(model._meta.db_table), _quoted(_key(model).column)
    changes = ", ".join(f"{_quoted(_field(model, name).column)} = {text}" for name, text in zip(names, texts, strict=True))
    free = f" AND {key} IN (SELECT {key} FROM {table} WHERE {key} = %s FOR UPDATE SKIP LOCKED)"  # noqa: S608 - likewise
    free = free if skips_locked else ""
    return f"UPDATE {table} SET {changes} WHERE {conditions}{free}"  # noqa: S608 - names of the model's own


@cache
def _from(model: type[Model], conditions: str, lock: str) -> str:
    return f"FROM {_quoted(model._meta.db_table)} WHERE {conditions} {lock}"


def for_update(strength: str = "UPDATE") -> str:
    """The words that lock what a SELECT finds until the end of the transaction; none on SQLite, where one writes at a time."""
    return f"FOR {strength}" if is_postgresql() else ""


def _values(fields: Sequence[Any], values: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """What stands for each column in the statement, and the parameters of the placeholders among it.

    What is empty stands there itself: a new row is mostly empty, and psycopg reads a statement of more than 50 parameters
    anew each time (MAX_CACHED_STATEMENT_PARAMS of psycopg._queries).
    """
    texts, parameters = [], []
    plain = _plain_columns(fields[0].model) if fields else frozenset()
    for field in fields:
        value = values[field.attname]
        kind = type(value)
        if kind is KeyOfSubject:
            texts.append('"subject"."id"')
            continue
        text = "%s"
        if kind is ByClock:
            text, value = clock.database_now_sql(value.later)
        elif kind not in AS_THEY_ARE or field.attname not in plain:
            value = _prepared(field, value, field.attname in plain)
        if value is None or value == "":
            texts.append("NULL" if value is None else "''")
            continue
        texts.append(text)
        parameters.append(value)
    return texts, parameters


def _absence(unless: Unless) -> tuple[str, list[Any]]:
    conditions, parameters = _conditions(unless.model, unless.columns)
    places = ", ".join(["%s"] * len(unless.is_one_of))
    among = f"{conditions} AND {_quoted(_field(unless.model, unless.column).column)} IN ({places})"
    # Names of the model's own.
    return f"NOT EXISTS (SELECT 1 {_from(unless.model, among, '')})", [*parameters, *map(str, unless.is_one_of)]


def _prepared(field: Any, value: Any, is_plain: bool) -> Any:
    """A value as its field hands it to the database."""
    if value is None:
        return None
    if is_plain:
        if type(value) in AS_THEY_ARE:
            return value
        if isinstance(value, TextChoices):
            return value.value
    return field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])


@cache
def _plain_columns(model: type[Model]) -> frozenset[str]:
    return frozenset(field.attname for field in model._meta.concrete_fields if field.get_internal_type() in PLAIN_FIELDS)


def _conditions(model: type[Model], columns: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """A condition that every column has its value, and the parameters."""
    texts = [f"{_quoted(_field(model, name).column)} {'IS NULL' if value is None else '= %s'}" for name, value in columns.items()]
    given = [(_field(model, name), value) for name, value in columns.items() if value is not None]
    plain = _plain_columns(model)
    return " AND ".join(texts), [_prepared(field, value, field.attname in plain) for field, value in given]


@cache
def _inserted_fields(model: type[Model], has_no_key: bool) -> tuple[Any, ...]:
    return tuple(f for f in model._meta.local_concrete_fields if not (has_no_key and f is model._meta.auto_field))


@cache
def column_names(model: type[Model]) -> tuple[str, ...]:
    """The names under which a row of the model has its columns, in their order."""
    return tuple(field.attname for field in model._meta.concrete_fields)


@cache
def _field(model: type[Model], name: str) -> Any:
    return next(field for field in model._meta.concrete_fields if name in (field.attname, field.name))


def _key(model: type[Model]) -> "Field[Any, Any]":
    return model._meta.pk


@cache
def _key_position(model: type[Model]) -> int:
    return model._meta.concrete_fields.index(_key(model))


@cache
def _converters(model: type[Model], name: str) -> list[Any]:
    """What makes a field's value of what the database gives."""
    field = _field(model, name)
    return [*connection.ops.get_db_converters(Col(model._meta.db_table, field)), *field.get_db_converters(connection)]


@cache
def _all_converters(model: type[Model]) -> tuple[tuple[int, list[Any]], ...]:
    found = [(position, _converters(model, field.attname)) for position, field in enumerate(model._meta.concrete_fields)]
    return tuple((position, converters) for position, converters in found if converters)


@cache
def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
