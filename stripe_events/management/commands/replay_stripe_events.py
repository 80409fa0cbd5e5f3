"""`manage.py replay_stripe_events`: applies stored events of Stripe's again. Applying one twice changes nothing."""

from argparse import ArgumentParser
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commercecore_payments.management.arguments import at_least_one, moment
from commercecore_payments.management.database import failures_in_one_sentence, refuse_database_without_tables
from stripe_events.handlers import HANDLERS
from stripe_events.models import Status, StripeEvent
from stripe_events.operations import chosen, replay

# The exit status where an event could not be applied. Django's are 1, for a command that failed, and 2, for its command line.
SOMETHING_FAILED = 3
GOOD = (Status.APPLIED, Status.UNHANDLED)


class Command(BaseCommand):
    help = (
        "Applies stored events of Stripe's again, in the order in which they happened. Exit status: 0 where all of them are "
        "applied or mean nothing here, and with --dry-run; 3 where some could not be; 1 for an error, 2 for a command line that "
        "cannot be meant."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, help="Received since then: 36h, 7d, 2026-12-01 or 2026-12-01T09:30.")
        parser.add_argument(
            "--type", dest="event_type", choices=sorted(HANDLERS), metavar="TYPE", help="Of this type, such as refund.updated."
        )
        parser.add_argument("--failed", action="store_true", help="Those alone that could not be applied.")
        parser.add_argument("--limit", type=at_least_one, help="Take at most so many.")
        parser.add_argument("--dry-run", action="store_true", help="Say which they are; do nothing.")

    def handle(
        self,
        *args: Any,
        since: datetime | None,
        event_type: str | None,
        failed: bool,
        limit: int | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        """Raises CommandError where the database is out of reach, or where nothing says which events are meant."""
        if since is None and event_type is None and not failed:
            raise CommandError("Say which events are meant: --since, --type or --failed.", returncode=2)
        refuse_database_without_tables()
        with failures_in_one_sentence():
            events = chosen(since=since, event_type=event_type, failed_only=failed)[:limit]
            if dry_run:
                self._tell_plan(list(events))
            else:
                self._replay(list(events))

    def _tell_plan(self, events: list[StripeEvent]) -> None:
        for event in events:
            self.stdout.write(f"{event.event_id} {event.type} {event.status}")
        self.stdout.write(f"{len(events)} chosen. Nothing was done.")

    def _replay(self, events: list[StripeEvent]) -> None:
        """Raises SystemExit where something could not be applied."""
        results: Counter[str] = Counter()
        for event in replay(events):
            results[event.status] += 1
            self.stdout.write(f"{event.event_id} {event.type}: {event.status} ({event.error or event.note})")
        self.stdout.write(", ".join(f"{results[status]} {status.value}" for status in Status))
        if any(results[status] for status in Status if status not in GOOD):
            raise SystemExit(SOMETHING_FAILED)
