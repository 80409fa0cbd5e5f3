"""`manage.py write_error_catalogue`: docs/errors.md, made from the code."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from commercecore_payments.openapi.catalogue import as_markdown

CATALOGUE = settings.BASE_DIR / "docs" / "errors.md"


class Command(BaseCommand):
    help = "Writes docs/errors.md from the classes of errors and the description of the API."

    def handle(self, *args: Any, **options: Any) -> None:
        CATALOGUE.write_text(as_markdown())
        self.stdout.write(f"Written: {CATALOGUE}")
