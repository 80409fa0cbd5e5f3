"""Revokes an opaque developer token, found by the prefix that is shown of it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from developers.models import DeveloperToken
from developers.operations import revoke_token


class Command(BaseCommand):
    help = "Revokes a developer token for ever. Revoking it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--prefix", required=True, help="the token's first characters, as they were shown: the whole prefix")

    def handle(self, *args: Any, **options: Any) -> None:
        # Two would do to see that the prefix is not the name of one.
        found = list(DeveloperToken.objects.filter(prefix=options["prefix"])[:2])
        if len(found) != 1:
            raise CommandError(f"{'No token has' if not found else 'Several tokens have'} the prefix {options['prefix']}.")
        token = revoke_token(token=found[0])
        self.stdout.write(f"{token.prefix}… of {token.developer_id} is revoked since {token.revoked_at:%Y-%m-%d %H:%M:%S} UTC.")
