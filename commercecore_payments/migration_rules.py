"""What a migration may do while the release before it goes on writing: docs/decisions/migrations.md.

    problems(migration, before)     # of one migration, and the state of the models before it: one sentence each
    all_problems()                  # of all that came after the first release

A table that the same migration makes is nobody's yet: on it everything is allowed.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.postgres import operations as postgres
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from commercecore_payments.data_migrations import RunInBatches
from commercecore_payments.indexes import (
    AddCheckOnline,
    AddIndexOnline,
    DropKeyIndexesOnline,
    RemoveIndexOnline,
    ValidateCheckOnline,
)

# The newest migration of each app that was there before this rule: those and what they build upon made the tables.
BEFORE_THE_RULE: Mapping[str, str] = {
    "accounts": "0003_lists_of_any_length",
    "commercecore_payments": "0001_worker_heartbeats",
    "developers": "0001_initial",
    "disputes": "0001_initial",
    "figures": "0001_initial",
    "gateway": "0005_lists_of_any_length",
    "idempotency": "0001_initial",
    "paymentmethods": "0003_lists_of_any_length",
    "payouts": "0001_initial",
    "rate_limits": "0001_initial",
    "reconciliation": "0001_initial",
    "refunds": "0006_own_refund_has_an_app_or_an_operator",
    "sandbox": "0003_lists_by_time",
    "staff": "0004_what_a_form_asks_for",
    "stripe_events": "0002_lists_of_any_length",
    "transactions": "0005_all_of_an_account",
    "webhooks": "0002_lists_of_any_length",
}
# What changes nothing in the database, or makes a table that nobody uses yet.
HARMLESS = (
    operations.CreateModel, operations.AlterModelOptions, operations.AlterModelManagers, operations.AlterModelTableComment,
)  # fmt: skip
# What waits for everybody who writes, and keeps nobody from it: done outside a transaction, and begun anew after a failure.
ONLINE = (AddIndexOnline, RemoveIndexOnline, DropKeyIndexesOnline, RunInBatches)
# What an AlterField may change: none of it is known to the database.
UNKNOWN_TO_THE_DATABASE = frozenset(
    {"choices", "help_text", "verbose_name", "validators", "editable", "blank", "error_messages", "default", "related_name"}
)
# What is allowed to a migration that has this attribute, with the words that a reviewer reads: which release's code uses it no
# more, or why it keeps nobody from writing.
UNLESS_SAID: Mapping[type[Operation], tuple[str, str]] = {
    operations.RemoveField: ("unused_since", "RemoveField takes what the release before uses: later, with unused_since"),
    operations.DeleteModel: ("unused_since", "DeleteModel takes what the release before uses: later, with unused_since"),
    operations.RemoveConstraint: (
        "unused_since",
        "RemoveConstraint takes a rule that is relied upon: later, with unused_since",
    ),
    operations.RunSQL: ("sql_is_online_because", "RunSQL says nothing of its locks: sql_is_online_because says why it may"),
}
RENAMES = (operations.RenameField, operations.RenameModel, operations.AlterModelTable, operations.RenameIndex)
LOCKS: Mapping[type[Operation], str] = {
    operations.AddIndex: "AddIndex keeps everybody from writing: AddIndexOnline",
    operations.RemoveIndex: "RemoveIndex waits for a lock before everybody: RemoveIndexOnline",
    operations.AddConstraint: "AddConstraint reads the whole table under a lock: AddCheckOnline, and ValidateCheckOnline later",
    operations.RunPython: "RunPython changes any number of rows in one transaction: RunInBatches",
    operations.AlterUniqueTogether: "AlterUniqueTogether builds an index under a lock",
    operations.AlterIndexTogether: "AlterIndexTogether builds an index under a lock",
    operations.AlterOrderWithRespectTo: "AlterOrderWithRespectTo adds a column that the code before does not fill",
    postgres.AddIndexConcurrently: "AddIndexConcurrently leaves a broken index behind when it fails: AddIndexOnline",
}


def all_problems() -> list[str]:
    """Of every migration of the project that came after the first release, in the order in which they are applied."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    judged = [key for key in loader.graph.nodes if _is_of_the_project(key[0]) and not _is_before(key, loader)]
    return [problem for key in sorted(judged) for problem in problems(loader.graph.nodes[key], _state_before(loader, key))]


def _is_of_the_project(app: str) -> bool:
    return Path(apps.get_app_config(app).path).parent == settings.BASE_DIR


def _is_before(key: tuple[str, str], loader: MigrationLoader) -> bool:
    """Whether it was there before the rule. An app that came later has no such migration."""
    app, _ = key
    return app in BEFORE_THE_RULE and key in loader.graph.forwards_plan((app, BEFORE_THE_RULE[app]))


def _state_before(loader: MigrationLoader, key: tuple[str, str]) -> ProjectState:
    return loader.project_state(key, at_end=False)


def problems(migration: Migration, before: ProjectState) -> list[str]:
    """What the release before would stumble over, or wait for, one sentence each."""
    app, state = migration.app_label, before.clone()
    made: set[str] = set()
    found = list(_about_the_whole(migration))
    for operation in _all_operations(migration.operations):
        if str(getattr(operation, "model_name", "")).lower() not in made:
            found += _about(operation, migration, state)
        if isinstance(operation, operations.CreateModel):
            made.add(operation.name_lower)
        operation.state_forwards(app, state)
    return [f"{app}.{migration.name}: {problem}." for problem in found]


def _all_operations(several: Iterable[Operation]) -> Iterator[Operation]:
    """With what stands in both halves of a SeparateDatabaseAndState."""
    for each in several:
        if isinstance(each, operations.SeparateDatabaseAndState):
            yield from _all_operations(each.database_operations)
        else:
            yield each


def _about_the_whole(migration: Migration) -> Iterator[str]:
    several = list(_all_operations(migration.operations))
    online = [each for each in several if isinstance(each, ONLINE)]
    if online and migration.atomic:
        yield f"{type(online[0]).__name__} needs atomic = False"
    if not migration.atomic and len(online) < len(several):
        yield "with atomic = False it is begun anew after a failure: only what can be done twice belongs into it"
    added = {each.constraint.name for each in several if isinstance(each, AddCheckOnline)}
    if any(each.name in added for each in several if isinstance(each, ValidateCheckOnline)):
        yield "ValidateCheckOnline reads the table under the lock of AddCheckOnline: it belongs into a migration of its own"


def _about(operation: Operation, migration: Migration, state: ProjectState) -> Iterator[str]:
    name = type(operation).__name__
    if isinstance(operation, (*HARMLESS, *ONLINE, AddCheckOnline, ValidateCheckOnline)):
        return
    if isinstance(operation, RENAMES):
        yield f"{name} takes the old name from the release before: add, copy, and remove later"
    elif type(operation) in LOCKS:
        yield LOCKS[type(operation)]
    elif isinstance(operation, operations.AddField):
        yield from _about_added_field(operation)
    elif isinstance(operation, operations.AlterField):
        yield from _about_altered_field(operation, state.models[migration.app_label, operation.model_name_lower])
    elif type(operation) in UNLESS_SAID:
        attribute, sentence = UNLESS_SAID[type(operation)]
        yield from () if getattr(migration, attribute, "") else (sentence,)
    else:
        yield f"{name} is not known to be safe"


def _about_added_field(operation: operations.AddField) -> Iterator[str]:
    field = operation.field
    if isinstance(field, models.ManyToManyField):
        return
    if not field.null and not field.has_db_default():
        yield f"AddField {operation.name} is not null and has no db_default: the release before does not fill it"
    if field.unique or getattr(field, "db_index", False):
        yield f"AddField {operation.name} builds an index under a lock: db_index=False, and AddIndexOnline"


def _about_altered_field(operation: operations.AlterField, model: ModelState) -> Iterator[str]:
    before = model.fields[operation.name]
    (_, old_path, _, old), (_, path, _, new) = before.deconstruct(), operation.field.deconstruct()
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)} - UNKNOWN_TO_THE_DATABASE
    if operation.field.null and not before.null:
        changed -= {"null"}  # it takes what it took
    if "max_length" in changed and (operation.field.max_length or 0) > (before.max_length or 0):
        changed -= {"max_length"}  # PostgreSQL rewrites no text that may be longer
    if operation.field.has_db_default():
        changed -= {"db_default"}
    if old_path != path or changed:
        what = ", ".join(sorted(changed)) or path
        yield f"AlterField {operation.name} changes the column ({what}): add, copy, and remove later"
