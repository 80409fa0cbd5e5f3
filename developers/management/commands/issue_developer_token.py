"""Issues an opaque developer token and shows it once."""

import json
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from commercecore_payments import clock
from commercecore_payments.errors import ServiceError
from developers.models import MAX_NAME_LENGTH, App, Developer
from developers.operations import create_developer, issue_token

# A hundred years: beyond it a date no longer means anything, and far beyond it Python has none.
MAX_DAYS = 36_500


def name_argument(text: str) -> str:
    """A name as a person types it. Raises ArgumentTypeError."""
    if not 0 < len(text.strip()) <= MAX_NAME_LENGTH or not text.isprintable():
        raise ArgumentTypeError(f"a name has 1 to {MAX_NAME_LENGTH} printable characters")
    return text.strip()


def days_argument(text: str) -> int:
    """A whole number of days, at least one. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(MAX_DAYS)) or not 1 <= int(text) <= MAX_DAYS:
        raise ArgumentTypeError(f"days are a whole number from 1 to {MAX_DAYS}")
    return int(text)


class Command(BaseCommand):
    help = "Issues a developer token and prints it. It is shown this once: only its keyed hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        owner = parser.add_mutually_exclusive_group(required=True)
        owner.add_argument("--developer", metavar="de_…", help="the developer that the token is for")
        owner.add_argument(
            "--create", metavar="NAME", type=name_argument, help="make a new developer with an app, both called NAME"
        )
        parser.add_argument("--name", type=name_argument, help="what the token is for, to tell it apart later")
        parser.add_argument("--days", type=days_argument, help="how many days it works; without it, until it is revoked")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        expires_at = clock.now() + timedelta(days=options["days"]) if options["days"] else None
        try:
            with transaction.atomic():
                developer, app = _owner(options)
                token, text = issue_token(developer=developer, name=options["name"] or "", expires_at=expires_at)
        except ServiceError as error:
            raise CommandError(error.message) from error
        answer = {
            "developer_id": developer.id,
            **({"app_id": app.id} if app else {}),
            "developer_token": text,
            "environment": token.environment,
            "prefix": token.prefix,
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        }
        self.stdout.write(json.dumps(answer) if options["json"] else _for_people(answer))


def _owner(options: dict[str, Any]) -> tuple[Developer, App | None]:
    if options["create"]:
        return create_developer(name=options["create"])
    developer = Developer.objects.filter(id=options["developer"]).first()
    if developer is None:
        raise CommandError(f"There is no developer {options['developer']}.")
    return developer, None


def _for_people(answer: dict[str, Any]) -> str:
    lines = [f"{name}: {value if value is not None else 'never'}" for name, value in answer.items()]
    return "\n".join([*lines, "Keep the token now: it cannot be shown again."])
