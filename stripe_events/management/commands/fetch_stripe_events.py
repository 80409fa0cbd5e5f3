"""`manage.py fetch_stripe_events`: reads Stripe's own lists of events, and stores those that never arrived."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

from commercecore_payments.clock import now
from commercecore_payments.management.arguments import moment
from commercecore_payments.management.database import failures_in_one_sentence, refuse_database_without_tables
from stripe_events.operations import STRIPE_LISTS_EVENTS_FOR, Fetched, fetch_missing

# The exit status where a list could not be read. Django's are 1, for a command that failed, and 2, for its command line.
SOMETHING_FAILED = 3


class Command(BaseCommand):
    help = (
        "Stores the events of Stripe's lists that are not here: of the platform and of every connected account. The worker "
        "applies them. Exit status: 0; 3 where a list could not be read; 1 for an error, 2 for a command line that cannot be "
        "meant."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        since = f"Since then: 36h, 7d, 2026-12-01 or 2026-12-01T09:30; Stripe lists {STRIPE_LISTS_EVENTS_FOR.days} days."
        parser.add_argument("--since", type=moment, required=True, help=since)
        parser.add_argument("--dry-run", action="store_true", help="Say how many are missing; store nothing.")

    def handle(self, *args: Any, since: datetime, dry_run: bool, **options: Any) -> None:
        """Raises CommandError where the database is out of reach, SystemExit where a list could not be read."""
        refuse_database_without_tables()
        if since < now() - STRIPE_LISTS_EVENTS_FOR:
            self.stdout.write(
                f"Stripe lists its events for {STRIPE_LISTS_EVENTS_FOR.days} days: what is older cannot be fetched."
            )
        with failures_in_one_sentence():
            results = [self._told(one, dry_run=dry_run) for one in fetch_missing(since=since, store_them=not dry_run)]
        missing, failed = sum(one.missing for one in results), sum(bool(one.error) for one in results)
        self.stdout.write(f"{missing} {'missing' if dry_run else 'stored'}, {failed} of {len(results)} lists could not be read.")
        if failed:
            raise SystemExit(SOMETHING_FAILED)

    def _told(self, fetched: Fetched, *, dry_run: bool) -> Fetched:
        name = fetched.account_id or "the platform"
        if fetched.error:
            self.stdout.write(f"{name}: {fetched.error}")
        elif fetched.missing or fetched.unreadable:
            what = "are missing" if dry_run else "were missing, and are stored"
            unreadable = f", {fetched.unreadable} are no snapshot events" if fetched.unreadable else ""
            self.stdout.write(f"{name}: {fetched.missing} of {fetched.listed} {what}{unreadable}")
        return fetched
