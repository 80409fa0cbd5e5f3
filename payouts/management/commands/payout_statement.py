"""`manage.py payout_statement`: every balance transaction behind a payout, with our order, and what nothing explains."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure

from accounts.models import ConnectedAccount
from commercecore_payments.errors import ServiceError
from commercecore_payments.management.database import refuse_database_without_tables
from commercecore_payments.management.output import refuse_unwritable, replace_file
from commercecore_payments.money import format_amount
from payouts.statement import Statement, statement_of
from payouts.statement_formats import FORMATS

# Exit statuses. 2 is Django's own for a command line that cannot be meant, too.
UNEXPLAINED, COULD_NOT_RUN = 1, 2
# What Stripe's ids are made of. Anything else would lead to another address of Stripe's than a payout's.
STRIPE_ID = re.compile(r"\A[A-Za-z0-9_]+\Z")


class Command(BaseCommand):
    help = (
        "Lists every balance transaction behind a payout at Stripe, with our order, payment, refund or dispute, the totals of "
        "each type, and the amount that nothing explains, which has to be zero. Of a payout that was made by hand Stripe tells "
        "no composition. Exit status: 0 where it is explained to the cent; 1 where an amount or a line is not; 2 where it could "
        "not be done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--account", required=True, type=_stripe_id, metavar="ACCT", help="The connected account that was paid out."
        )
        parser.add_argument("--payout", required=True, type=_stripe_id, metavar="PO", help="The payout.")
        parser.add_argument("--format", choices=list(FORMATS), default="table")
        parser.add_argument("--output", type=Path, metavar="FILE", help="Write it there instead of to the terminal.")

    def handle(self, *args: Any, account: str, payout: str, format: str, output: Path | None, **options: Any) -> None:  # noqa: A002 - the option's name
        """Raises SystemExit with 1 where something is not explained, and CommandError with 2 where it could not be done."""
        try:
            if output is not None:
                refuse_unwritable(output)  # now, and not after thousands of lines
            refuse_database_without_tables()
            statement = statement_of(payout, account=_account(account))
            self._write(FORMATS[format](statement), output)
        except ServiceError as error:
            raise CommandError(error.message, returncode=COULD_NOT_RUN) from error
        except (CommandError, DatabaseFailure, OSError, UnicodeEncodeError) as error:
            raise CommandError(str(error), returncode=COULD_NOT_RUN) from error
        if output is not None or format == "csv":
            self.stderr.write(_verdict(statement))
        if not statement.is_explained:
            raise SystemExit(UNEXPLAINED)

    def _write(self, lines: Iterator[str], output: Path | None) -> None:
        if output is None:
            for line in lines:
                self.stdout.write(line)
        else:
            replace_file(output, (f"{line}\n" for line in lines))


def _stripe_id(text: str) -> str:
    if STRIPE_ID.match(text) is None:
        raise ArgumentTypeError(f"is an id of Stripe's, and not {text!a}")
    return text


def _account(account_id: str) -> ConnectedAccount:
    account = ConnectedAccount.objects.exclude(stripe_account_id="").filter(stripe_account_id=account_id).first()
    if account is None:
        raise CommandError(f"No connected account of this environment is {account_id}.")
    return account


def _verdict(statement: Statement) -> str:
    lines = sum(total.lines for total in statement.totals.values())
    unexplained = format_amount(statement.unexplained_minor, statement.currency)
    told = f"{statement.payout_id}: {lines} lines, {statement.unexplained_lines} of them unexplained; unexplained {unexplained}."
    return f"{told} {statement.remark}".strip()
