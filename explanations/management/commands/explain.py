"""`manage.py explain pi_…`: what the state of a payment is, why, and all that happened to it."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commercecore_payments.management.database import failures_in_one_sentence, refuse_database_without_tables
from commercecore_payments.management.terminal import printable
from explanations.explaining import explain
from explanations.finding import payments_called
from explanations.serializers import explanation_data
from explanations.text import explanation_text
from transactions.models import Transaction


class Command(BaseCommand):
    help = (
        "Explains a payment: what the state of its money is, why, who has to act, and all that happened to it, from what is "
        "known here. Stripe is asked nothing. Exit status: 0; 1 where no payment is found, and for an error; 2 for a command "
        "line that cannot be meant."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "identifier",
            metavar="ID",
            help="Of a payment (pi_), charge (ch_), refund (re_), dispute (dp_), operation (op_), request (its own) or order.",
        )
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json: as the API gives it, in a list.")

    def handle(self, *args: Any, identifier: str, format: str, **options: Any) -> None:  # noqa: A002 - as the option is called
        """Raises CommandError where the database is out of reach or fails, no payment is found, or nobody takes the result."""
        refuse_database_without_tables()
        with failures_in_one_sentence():
            payments = payments_called(identifier.strip())
            if not payments:
                raise CommandError(f"No payment is known here by {printable(identifier)}.")
            told = _as_json(payments) if format == "json" else _as_text(payments)
        try:
            self.stdout.write(told)
        except (OSError, UnicodeEncodeError) as error:
            raise CommandError(str(error)) from error


def _as_json(payments: list[Transaction]) -> str:
    return json.dumps([explanation_data(explain(payment)) for payment in payments], indent=2)


def _as_text(payments: list[Transaction]) -> str:
    return "\n".join(explanation_text(explain(payment), title=str(payment)) for payment in payments)
