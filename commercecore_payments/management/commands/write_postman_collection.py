"""`manage.py write_postman_collection`: the collection and the environment in docs/postman, made from the API's description."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from commercecore_payments.openapi.postman.collection import collection, environment

FOLDER = settings.BASE_DIR / "docs" / "postman"
COLLECTION = FOLDER / "commercecore-payments.postman_collection.json"
ENVIRONMENT = FOLDER / "commercecore-payments.postman_environment.json"


def as_text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


class Command(BaseCommand):
    help = "Writes the Postman collection and its environment from the description of the API."

    def handle(self, *args: Any, **options: Any) -> None:
        COLLECTION.write_text(as_text(collection()))
        ENVIRONMENT.write_text(as_text(environment()))
        self.stdout.write(f"Written: {COLLECTION} and {ENVIRONMENT}")
