"""`manage.py create_demo_tenant`: a developer, an app, a token, an onboarded seller and an unpaid order."""

import json
import shlex
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commercecore_payments.demo import NotTheSandbox, create_demo_tenant


class Command(BaseCommand):
    help = "Makes a tenant to try the API with, in the sandbox. The token is new at each call and shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of lines for a shell's eval.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tenant = create_demo_tenant().as_dict()
        except NotTheSandbox as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(tenant))
            return
        for name, value in tenant.items():
            self.stdout.write(f"export {name.upper()}={shlex.quote(value)}")
