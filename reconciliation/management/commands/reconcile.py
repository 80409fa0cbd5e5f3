"""`manage.py reconcile`: compares our records with Stripe's books, and mends what moves no money."""

import logging
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure
from tqdm import tqdm

from commercecore_payments.errors import ServiceError
from commercecore_payments.management.arguments import moment
from commercecore_payments.management.database import failures_in_one_sentence, refuse_database_without_tables
from commercecore_payments.management.output import refuse_unwritable, replace_file
from reconciliation.booking import Report
from reconciliation.expectation import expected_objects
from reconciliation.models import ObjectKind
from reconciliation.reporting import FORMATS, Line, Result, lines_of_report, lines_of_run, result_of_report, result_of_run
from reconciliation.running import Runner, accounts_of, begin, compare_everything, refuse_unknown, release, scope_of
from reconciliation.scope import GRACE, Scope

logger = logging.getLogger(__name__)

# Exit statuses. 2 is Django's own for a command line that cannot be meant, too.
DIFFERENCES, COULD_NOT_RUN = 1, 2


class Command(BaseCommand):
    help = (
        "Compares accounts, payment intents, charges, refunds, disputes, payouts, application fees and balance transactions at "
        "Stripe with our records, both ways. Each difference becomes a case. One that was stopped is continued by the same "
        "command. Exit status: 0 where nothing differed; 1 where something did, mended or not; 2 where it could not be done, or "
        "not for all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", metavar="TIME", help="Only what was made since then: 36h, 7d, 2026-12-01 or 2026-12-01T09:30."
        )
        parser.add_argument("--until", metavar="TIME", help="Only what was made before then.")
        parser.add_argument("--account", default="", metavar="ACCT", help="Only this connected account.")
        parser.add_argument("--app", default="", metavar="APP", help="Only what belongs to this app.")
        parser.add_argument("--dry-run", action="store_true", help="Open no cases, mend nothing: only tell.")
        parser.add_argument("--fix", choices=["safe"], help="Mend what can be mended without moving money.")
        parser.add_argument("--grace", type=int, default=int(GRACE.total_seconds()), metavar="SECONDS", help=GRACE_HELP)
        parser.add_argument("--format", choices=list(FORMATS), default="table")
        parser.add_argument("--output", type=Path, metavar="FILE", help="Write the result there instead of to the terminal.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises SystemExit with 1 where something differs, and CommandError with 2 where it could not be found out."""
        try:
            self._refuse_what_cannot_be_meant(options)
            refuse_database_without_tables()
            with failures_in_one_sentence():
                result, lines = self._dry_run(options) if options["dry_run"] else self._run(options)
            self._tell(result, lines, options)
        except ServiceError as error:
            raise CommandError(error.message, returncode=COULD_NOT_RUN) from error
        except (CommandError, DatabaseFailure, OSError) as error:
            raise CommandError(str(error), returncode=COULD_NOT_RUN) from error
        except Exception as error:  # Python would end with 1, which says here that the books differ
            logger.exception("reconcile failed")
            raise CommandError(f"{type(error).__name__}: the log says more.", returncode=COULD_NOT_RUN) from error
        if result.not_compared:
            raise CommandError(f"Not compared: {', '.join(result.not_compared)}.", returncode=COULD_NOT_RUN)
        if result.total_differences:
            raise SystemExit(DIFFERENCES)

    def _refuse_what_cannot_be_meant(self, options: dict[str, Any]) -> None:
        if options["dry_run"] and options["fix"]:
            raise CommandError("--dry-run mends nothing, and --fix does.")
        if options["grace"] < 0:
            raise CommandError("--grace has to be 0 or more seconds.")
        since, until = _scope(options).since, _scope(options).until
        if since is not None and until is not None and since >= until:
            raise CommandError("--since has to be before --until.")
        if options["output"] is not None:
            refuse_unwritable(options["output"])

    def _run(self, options: dict[str, Any]) -> tuple[Result, Iterable[Line]]:
        run = begin(_scope(options), mends=options["fix"] == "safe", asked=_in_words(options), asked_by="manage.py reconcile")
        if run.resumed:
            self.stderr.write(f"Run {run.pk} is continued: it began at {run.started_at:%Y-%m-%d %H:%M:%S} UTC.")
        try:
            with _Progress(scope_of(run), after=run.last_account) as progress:
                runner = Runner(run, progress=progress.tell)
                while runner.next_piece():
                    progress.name_accounts()
        finally:
            release(run)
        return result_of_run(run), lines_of_run(run)

    def _dry_run(self, options: dict[str, Any]) -> tuple[Result, Iterable[Line]]:
        scope, report = _scope(options), Report()
        refuse_unknown(scope)
        with _Progress(scope) as progress:
            compare_everything(scope, report, progress=progress.tell)
        return result_of_report(report, progress.compared), lines_of_report(report)

    def _tell(self, result: Result, lines: Iterable[Line], options: dict[str, Any]) -> None:
        text = FORMATS[options["format"]](result, lines)
        if options["output"] is not None:
            replace_file(options["output"], [text])
        else:
            self.stdout.write(text, ending="")


GRACE_HELP = f"What is younger is not a difference yet; {int(GRACE.total_seconds())} unless named."


def _scope(options: dict[str, Any]) -> Scope:
    return Scope(
        since=_moment(options["since"]),
        until=_moment(options["until"]),
        account_id=options["account"],
        app_id=options["app"],
        grace=timedelta(seconds=options["grace"]),
    )


def _moment(text: str | None) -> datetime | None:
    """Raises CommandError where it is no time."""
    try:
        return moment(text) if text else None
    except ArgumentTypeError as error:
        raise CommandError(f"A time {error}.") from error


def _in_words(options: dict[str, Any]) -> str:
    """The same for the same command line: `--since 7d` goes on with the run that was begun so, though days have passed."""
    named = {name: options[name] for name in ("since", "until", "account", "app", "fix", "grace") if options[name]}
    return " ".join(f"--{name} {value}" for name, value in named.items())


class _Progress:
    """A bar on a terminal: how many objects a second, and how long it will take."""

    def __init__(self, scope: Scope, *, after: int = 0) -> None:
        self._bar = tqdm(total=expected_objects(scope, after=after), unit="object", disable=None, file=sys.stderr)
        self._counted: Counter[str] = Counter()
        self._accounts = accounts_of(scope).count()
        self._done = accounts_of(scope).filter(pk__lte=after).count() if after else 0

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *unused: object) -> None:
        self._bar.close()

    @property
    def compared(self) -> dict[str, int]:
        return {kind.value: self._counted[kind.value] for kind in ObjectKind if self._counted[kind.value]}

    def tell(self, kind: ObjectKind, number: int) -> None:
        self._counted[kind.value] += number
        self._bar.update(number)

    def name_accounts(self) -> None:
        self._done = min(self._done + 1, self._accounts)
        self._bar.set_postfix_str(f"{self._done} of {self._accounts} accounts")
