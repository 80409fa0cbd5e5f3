"""`manage.py doctor`: one line a check, with the cure."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commercecore_payments.doctor.checks import NAMES, examine
from commercecore_payments.doctor.verdicts import Level, Verdict
from commercecore_payments.management.database import refuse_database_without_tables

# Exit statuses. 2 is Django's own for a command line that cannot be meant, too.
SOMETHING_FAILED, COULD_NOT_RUN = 1, 2
WIDTH = max(map(len, NAMES))


class Command(BaseCommand):
    help = (
        "Looks at keys, both webhook endpoints at Stripe and their events, secrets, clocks, migrations, workers and what is left "
        "undone, one line each with the cure. Exit status: 0 where nothing failed, warnings allowed; 1 where something did; 2 "
        "where there is no database to look into."
    )
    requires_system_checks = []  # what they refuse is told here, with the rest

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *args: Any, format: str, **options: Any) -> None:  # noqa: A002 - the option's name
        """Raises SystemExit with 1 where a check failed, and CommandError with 2 where the database cannot be reached."""
        try:
            refuse_database_without_tables()
        except CommandError as error:
            raise CommandError(str(error), returncode=COULD_NOT_RUN) from error
        found = []
        for name, verdict in examine():
            found.append((name, verdict))
            if format == "text":
                self.stdout.write(_line(name, verdict))
        if format == "json":
            checks = [{"check": name, "level": one.level, "what": one.what, "cure": one.cure} for name, one in found]
            self.stdout.write(json.dumps({"ok": not _failed(found), "checks": checks}, indent=2))
        if _failed(found):
            raise SystemExit(SOMETHING_FAILED)


def _line(name: str, verdict: Verdict) -> str:
    cure = f" -> {verdict.cure}" if verdict.cure else ""
    return f"{verdict.level:<4}  {name:<{WIDTH}}  {verdict.what}{cure}"


def _failed(found: list[tuple[str, Verdict]]) -> bool:
    return any(verdict.level == Level.FAIL for _, verdict in found)
