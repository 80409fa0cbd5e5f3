"""Changes of many rows while the service runs: in batches, each in a transaction of its own."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import RunPython


class RunInBatches(RunPython):
    """Calls `step(apps, schema_editor)` until it has changed no row any more: it changes some hundred, and says how many.

    Nobody waits for more than a batch. What was begun and failed is gone on with: a step looks for what is still to be changed.
    Its migration says `atomic = False`. Backwards nothing is done: what it wrote is what the code before ignores.
    """

    def __init__(self, step: Callable[[Any, BaseDatabaseSchemaEditor], int]) -> None:
        self.step = step
        super().__init__(self._all, RunPython.noop, atomic=False)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.step], {}

    def _all(self, apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        changed = 1
        while changed:
            with transaction.atomic(using=schema_editor.connection.alias):
                changed = self.step(apps, schema_editor)
