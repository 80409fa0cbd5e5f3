"""Indexes and rules of tables that are made while the service runs: migrations that keep nobody from writing for long."""

from typing import Any

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddIndex, AlterField, RemoveIndex
from django.db.models import Index

POSTGRESQL = "postgresql"


class AddIndexOnline(AddIndexConcurrently):
    """On PostgreSQL made without keeping anybody from writing; elsewhere as usual. Its migration says `atomic = False`.

    One that was interrupted leaves an index that serves nobody: it is dropped first (postgresql.org/docs/current/
    sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY).
    """

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != POSTGRESQL:
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        name = schema_editor.quote_name(self.index.name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        online = schema_editor.connection.vendor == POSTGRESQL
        undo = super().database_backwards if online else lambda *arguments: AddIndex.database_backwards(self, *arguments)
        undo(app_label, schema_editor, from_state, to_state)


class RemoveIndexOnline(RemoveIndexConcurrently):
    """On PostgreSQL dropped without keeping anybody from writing; elsewhere as usual. Its migration says `atomic = False`."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        online = schema_editor.connection.vendor == POSTGRESQL
        remove = super().database_forwards if online else lambda *arguments: RemoveIndex.database_forwards(self, *arguments)
        remove(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        online = schema_editor.connection.vendor == POSTGRESQL
        undo = super().database_backwards if online else lambda *arguments: RemoveIndex.database_backwards(self, *arguments)
        undo(app_label, schema_editor, from_state, to_state)


class DropKeyIndexesOnline(AlterField):
    """A foreign key loses the indexes that Django made for it: another one, made before, begins with its column.

    The field itself changes in nothing, and its rule is left alone: AlterField would drop the rule and judge every row anew. Its
    migration says `atomic = False`.
    """

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        column = model._meta.get_field(self.name).column
        kept = {index.name for index in model._meta.indexes}
        how = "CONCURRENTLY " if schema_editor.connection.vendor == POSTGRESQL else ""
        for name in schema_editor._constraint_names(model, [column], index=True, unique=False, exclude=kept):
            schema_editor.execute(f"DROP INDEX {how}IF EXISTS {schema_editor.quote_name(name)}")

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        for statement in schema_editor._field_indexes_sql(model, model._meta.get_field(self.name)):
            schema_editor.execute(statement)


class AddCheckOnline(AddConstraintNotValid):
    """A rule that new rows keep from now on. On PostgreSQL the old ones are not read meanwhile: see ValidateCheckOnline."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        online = schema_editor.connection.vendor == POSTGRESQL
        add = super().database_forwards if online else lambda *arguments: AddConstraint.database_forwards(self, *arguments)
        add(app_label, schema_editor, from_state, to_state)


class ValidateCheckOnline(ValidateConstraint):
    """Reads the old rows for an AddCheckOnline of an earlier migration, beside those who write."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == POSTGRESQL:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


def prefix_index(field: str, name: str) -> Index:
    """An index for what begins with a text, such as an id of which only the first letters are known.

    PostgreSQL's own order of texts follows a language, in which LIKE 'pi_1%' is no range; this operator class compares bytes.
    """
    return Index(fields=[field], name=name, opclasses=["varchar_pattern_ops"])
