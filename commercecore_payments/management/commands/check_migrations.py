"""`manage.py check_migrations`: whether the release before can go on while these migrations are applied."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commercecore_payments.migration_rules import all_problems


class Command(BaseCommand):
    help = "Looks for migrations that break or stop a service that goes on meanwhile. Ends with 1 where there is one."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        found = all_problems()
        if found:
            raise CommandError("\n".join(["The release before could not go on beside these migrations:", *found]))
        self.stdout.write("Every migration can be applied beside the release before.")
