"""Migrations that a service which goes on could not bear are found, each kind of them."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Index, Q

from commercecore_payments.data_migrations import RunInBatches
from commercecore_payments.indexes import AddCheckOnline, AddIndexOnline, RemoveIndexOnline, ValidateCheckOnline
from commercecore_payments.migration_rules import problems
from developers.models import Developer

RULE = models.CheckConstraint(condition=Q(amount__gte=0), name="amount_is_not_negative")
UNIQUE = models.UniqueConstraint(fields=["amount"], name="amount_once")
INDEX = Index(fields=["amount"], name="by_amount")


def field(**changes: Any) -> Any:
    return models.CharField(**{"max_length": 20, **changes})


def judged(*several: Operation, **attributes: Any) -> list[str]:
    """What is said of a migration of a table that is in use."""
    before = ProjectState()
    note = [("id", models.BigAutoField(primary_key=True)), ("amount", models.IntegerField()), ("text", field())]
    before.add_model(ModelState("notes", "Note", note, options={"indexes": [INDEX], "constraints": [RULE]}))
    migration = Migration("0007_change", "notes")
    for name, value in {"operations": list(several), **attributes}.items():
        setattr(migration, name, value)
    return problems(migration, before)


def nothing(*_: Any) -> int:
    return 0


UNSAFE = {
    "a column that goes": operations.RemoveField("note", "text"),
    "a table that goes": operations.DeleteModel("Note"),
    "a column that is renamed": operations.RenameField("note", "text", "words"),
    "a table that is renamed": operations.RenameModel("Note", "Remark"),
    "a table under another name": operations.AlterModelTable("note", "remarks"),
    "a column that the old code does not fill": operations.AddField("note", "kind", field(default="")),
    "a column with an index": operations.AddField("note", "kind", field(null=True, db_index=True)),
    "a column that is unique": operations.AddField("note", "kind", field(null=True, unique=True)),
    "a column of another type": operations.AlterField("note", "text", models.IntegerField()),
    "a column that gets shorter": operations.AlterField("note", "text", field(max_length=10)),
    "a column that gets unique": operations.AlterField("note", "text", field(unique=True)),
    "an index under a lock": operations.AddIndex("note", Index(fields=["text"], name="by_text")),
    "an index that goes under a lock": operations.RemoveIndex("note", "by_amount"),
    "a rule that is looked for in all rows": operations.AddConstraint("note", UNIQUE),
    "a rule that the old code relies on": operations.RemoveConstraint("note", "amount_is_not_negative"),
    "columns that get unique together": operations.AlterUniqueTogether("note", {("text", "amount")}),
    "any number of rows in one transaction": operations.RunPython(operations.RunPython.noop),
    "SQL that says nothing of its locks": operations.RunSQL("ALTER TABLE notes_note ALTER text SET NOT NULL"),
    "what is hidden from the state": operations.SeparateDatabaseAndState([operations.RemoveField("note", "text")]),
}
SAFE = {
    "a table that is new, with all that is its own": [
        operations.CreateModel("Log", [("id", models.BigAutoField(primary_key=True))]),
        operations.AddField("log", "kind", field()),
        operations.AddIndex("log", Index(fields=["kind"], name="by_kind")),
    ],
    "a column that may be empty": [operations.AddField("note", "kind", field(null=True))],
    "a column that the database fills": [operations.AddField("note", "kind", field(db_default=""))],
    "a column that may be longer": [operations.AlterField("note", "text", field(max_length=40))],
    "a column that may be empty from now on": [operations.AlterField("note", "text", field(null=True))],
    "words about a column": [operations.AlterField("note", "text", field(help_text="What it says.", choices=[("a", "A")]))],
    "a rule for new rows": [AddCheckOnline("note", models.CheckConstraint(condition=Q(text__gt=""), name="has_text"))],
    "a rule of an earlier migration, looked for": [ValidateCheckOnline("note", "amount_is_not_negative")],
}
ONLINE = [AddIndexOnline("note", Index(fields=["text"], name="by_text")), RemoveIndexOnline("note", "by_amount"),
          RunInBatches(nothing)]  # fmt: skip


class TestAMigration:
    @pytest.mark.parametrize("operation", UNSAFE.values(), ids=UNSAFE)
    def test_that_the_release_before_could_not_bear_is_found(self, operation: Operation) -> None:
        found = judged(operation)
        assert len(found) == 1
        assert found[0].startswith("notes.0007_change: ")

    @pytest.mark.parametrize("several", SAFE.values(), ids=SAFE)
    def test_that_it_can_bear_is_not(self, several: list[Operation]) -> None:
        assert judged(*several) == []

    def test_that_takes_away_says_since_when_nobody_uses_it(self) -> None:
        assert judged(operations.RemoveField("note", "text"), unused_since="1.4") == []

    def test_whose_sql_was_looked_at_says_why_it_locks_nobody_out(self) -> None:
        assert judged(operations.RunSQL("ANALYZE"), sql_is_online_because="It reads a sample.") == []

    @pytest.mark.parametrize("operation", ONLINE, ids=lambda each: type(each).__name__)
    def test_beside_writers_stands_in_no_transaction_and_alone(self, operation: Operation) -> None:
        assert judged(operation, atomic=False) == []
        assert len(judged(operation)) == 1
        assert len(judged(operation, operations.AddField("note", "kind", field(null=True)), atomic=False)) == 1

    def test_validates_no_rule_that_it_has_added_itself(self) -> None:
        added = AddCheckOnline("note", models.CheckConstraint(condition=Q(text__gt=""), name="has_text"))
        assert len(judged(added, ValidateCheckOnline("note", "has_text"))) == 1


class TestTheMigrationsOfTheProject:
    def test_can_all_be_applied_beside_the_release_before(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("check_migrations")
        assert capsys.readouterr().out == "Every migration can be applied beside the release before.\n"


class TestBatches:
    def test_are_changed_until_none_is_left(self, transactional_db: None) -> None:
        Developer.objects.bulk_create(Developer(name=f"old {number}") for number in range(5))
        batches = []

        def step(*_: Any) -> int:
            some = Developer.objects.filter(name__startswith="old").values_list("pk", flat=True)[:2]
            batches.append(Developer.objects.filter(pk__in=list(some)).update(name="new"))
            return batches[-1]

        with connection.schema_editor(atomic=False) as editor:
            RunInBatches(step).database_forwards("developers", editor, ProjectState(), ProjectState())
        assert batches == [2, 2, 1, 0]
