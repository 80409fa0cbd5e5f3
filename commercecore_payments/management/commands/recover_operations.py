"""`manage.py recover_operations`: brings what has no known outcome to its end, now."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Min
from tqdm import tqdm

from commercecore_payments.clock import database_now
from commercecore_payments.management.arguments import at_least_one
from commercecore_payments.management.database import failures_in_one_sentence, refuse_database_without_tables
from commercecore_payments.operation_kinds import ENDINGS
from commercecore_payments.recovery import Recovered, Result, recover, recover_due
from gateway.models import RECOVERABLE_STATUSES, Operation

# The exit status where something is left open. Django's are 1, for a command that failed, and 2, for its command line.
SOMETHING_IS_OPEN = 3
TIME = "%Y-%m-%d %H:%M:%S UTC"


class Command(BaseCommand):
    help = (
        "Brings operations without a known outcome to their end: sent again where that is safe, else looked up at Stripe. "
        "Takes those that are due. Exit status: 0 where all of them are settled, and with --dry-run; 3 where some are still "
        "open; 1 for an error, 2 for a command line that cannot be meant."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what is due and what would be done; do nothing.")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--limit", type=at_least_one, help="Take at most so many.")
        which.add_argument("--operation", metavar="ID", help="Take this one, due or not, or waiting for a review.")

    def handle(self, *args: Any, dry_run: bool, limit: int | None, operation: str | None, **options: Any) -> None:
        """Raises CommandError where the database is out of reach or fails, and for an operation that does not exist."""
        refuse_database_without_tables()
        with failures_in_one_sentence():
            if operation is not None:
                self._take_one(_named(operation), dry_run=dry_run)
            else:
                self._take_due(limit, dry_run=dry_run)

    def _take_one(self, operation: Operation, *, dry_run: bool) -> None:
        if not operation.is_open:
            self.stdout.write(f"{operation.id} {operation.kind}: already {_words(operation.status)}, nothing to do")
        elif dry_run:
            self._tell_plan([operation])
            self.stdout.write("Nothing was done.")
        else:
            self._carry_out(map(recover, [operation]), expected=1)

    def _take_due(self, limit: int | None, *, dry_run: bool) -> None:
        due = list(Operation.objects.due_for_recovery(database_now())[:limit])
        if dry_run:
            self._tell_plan(due)
            self.stdout.write(f"{len(due)} due. Nothing was done.")
            self._tell_totals()
        else:
            self._carry_out(recover_due(limit), expected=len(due))

    def _carry_out(self, recovered: Iterator[Recovered], *, expected: int) -> None:
        """Raises SystemExit where something is left open."""
        results = self._tell_results(recovered, expected=expected)
        self.stdout.write(", ".join(f"{results[result]} {_words(result)}" for result in Result))
        if results.total() > results[Result.SETTLED]:
            raise SystemExit(SOMETHING_IS_OPEN)

    def _tell_plan(self, chosen: list[Operation]) -> None:
        for one in chosen:
            is_sent = one.may_be_sent_again() and not ENDINGS[one.kind].looks_first
            act = "send again" if is_sent else "look at Stripe"
            self.stdout.write(f"{one.id} {one.kind} {one.status}, reserved {one.created_at:{TIME}}: {act}")

    def _tell_totals(self) -> None:
        """What else there is: all that is open, and when the next one becomes due of those that recovery works on."""
        is_open, in_review = Operation.objects.open().count(), Operation.objects.needing_review().count()
        later = Operation.objects.filter(status__in=RECOVERABLE_STATUSES, next_recovery_at__gt=database_now())
        due_at = later.aggregate(next=Min("next_recovery_at"))["next"]
        when = f"{due_at:{TIME}}" if due_at else "none"
        self.stdout.write(f"Open: {is_open}. Needs review: {in_review}. Next due: {when}.")

    def _tell_results(self, recovered: Iterator[Recovered], *, expected: int) -> Counter[Result]:
        results: Counter[Result] = Counter()
        # On a terminal alone: a log file has no use for a bar.
        for one in tqdm(recovered, total=expected, unit="operation", disable=None):
            results[one.result] += 1
            line = f"{one.operation.id} {one.operation.kind}: {_words(one.result)}"
            with tqdm.external_write_mode():
                self.stdout.write(f"{line} ({one.message})" if one.message else line)
        return results


def _words(constant: str) -> str:
    return constant.replace("_", " ")


def _named(operation_id: str) -> Operation:
    operation: Operation | None = Operation.objects.filter(pk=operation_id).first()
    if operation is None:
        raise CommandError(f"There is no operation {operation_id}.")
    return operation
