"""`manage.py rotate_encryption`: encrypts with the present keys what older ones had encrypted, so that those can go."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from commercecore_payments.key_rotation import STORES, Result, Store, encrypt_anew
from commercecore_payments.management.arguments import at_least_one
from commercecore_payments.management.database import failures_in_one_sentence, refuse_database_without_tables

# The exit status where something is still under an older key, as of recover_operations.
SOMETHING_IS_LEFT = 3
# Of rows in one run: their answers of up to some KB each fit into the memory of the smallest machine.
ROWS_IN_ONE_RUN = 10_000


class Command(BaseCommand):
    help = (
        "Encrypts anew, with the first of WEBHOOK_SECRET_KEYS and ANSWER_ENCRYPTION_KEYS, what the others had encrypted. It can "
        "be stopped and begun again at any time. Exit status: 0 where nothing is left under an older key, and with --dry-run; "
        "3 where something is; 1 for an error, 2 for a command line that cannot be meant."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say how much there is; do nothing.")
        parser.add_argument("--limit", type=at_least_one, default=ROWS_IN_ONE_RUN, help="Take at most so many of each kind.")

    def handle(self, *args: Any, dry_run: bool, limit: int, **options: Any) -> None:
        """Raises CommandError where the database is out of reach or fails, and SystemExit where something is left."""
        refuse_database_without_tables()
        with failures_in_one_sentence():
            if not dry_run:
                for store in STORES:
                    self._rotate(store, limit)
            left = [self._tell_left(store) for store in STORES]
        if any(left) and not dry_run:
            raise SystemExit(SOMETHING_IS_LEFT)

    def _rotate(self, store: Store, limit: int) -> None:
        results = Counter(encrypt_anew(store, limit=limit))
        self.stdout.write(f"{store.name}: " + ", ".join(f"{results[result]} {result}" for result in Result))

    def _tell_left(self, store: Store) -> int:
        left = store.under_older_keys().count()
        self.stdout.write(f"{store.name}: {left} under older keys of {store.setting}")
        return left
