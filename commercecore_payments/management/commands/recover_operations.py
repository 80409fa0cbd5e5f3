"""`manage.py recover_operations`: brings what has no known outcome to its end, now."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from commercecore_payments.clock import database_now
from commercecore_payments.operation_kinds import ENDINGS
from commercecore_payments.recovery import Recovered, Result, recover, recover_due
from gateway.models import Operation

# The exit status where something is left open. 1 is Django's, for a command that failed.
SOMETHING_IS_OPEN = 3


class Command(BaseCommand):
    help = (
        "Brings operations without a known outcome to their end: sent again where that is safe, else looked up at Stripe. "
        "Takes those that are due. Exit status: 0 where all of them are settled, 3 where some are still open, 1 for an error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what is due and what would be done; do nothing.")
        parser.add_argument("--limit", type=_positive, help="Take at most so many.")
        parser.add_argument("--operation", metavar="ID", help="Take this one, due or not, or waiting for a review.")

    def handle(self, *args: Any, dry_run: bool, limit: int | None, operation: str | None, **options: Any) -> None:
        if operation is not None:
            chosen = [_open_operation(operation)]
        else:
            chosen = list(Operation.objects.due_for_recovery(database_now())[:limit])
        if dry_run:
            self._tell_plan(chosen)
            return
        recovered = map(recover, chosen) if operation is not None else recover_due(limit)
        results = self._carry_out(recovered, expected=len(chosen))
        self.stdout.write(", ".join(f"{results[result]} {result.replace('_', ' ')}" for result in Result))
        if results.total() > results[Result.SETTLED]:
            raise SystemExit(SOMETHING_IS_OPEN)

    def _tell_plan(self, chosen: list[Operation]) -> None:
        for one in chosen:
            is_sent = one.may_be_sent_again() and not ENDINGS[one.kind].looks_first
            act = "send again" if is_sent else "look at Stripe"
            self.stdout.write(f"{one.id} {one.kind} {one.status}, reserved {one.created_at:%Y-%m-%d %H:%M:%S} UTC: {act}")
        self.stdout.write(f"{len(chosen)} due. Nothing was done.")

    def _carry_out(self, recovered: Iterator[Recovered], *, expected: int) -> Counter[Result]:
        results: Counter[Result] = Counter()
        # On a terminal alone: a log file has no use for a bar.
        for one in tqdm(recovered, total=expected, unit="operation", disable=None):
            results[one.result] += 1
            line = f"{one.operation.id} {one.operation.kind}: {one.result.replace('_', ' ')}"
            with tqdm.external_write_mode():
                self.stdout.write(f"{line} ({one.message})" if one.message else line)
        return results


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _open_operation(operation_id: str) -> Operation:
    operation: Operation | None = Operation.objects.open().filter(pk=operation_id).first()
    if operation is None:
        raise CommandError(f"There is no open operation {operation_id}.")
    return operation
