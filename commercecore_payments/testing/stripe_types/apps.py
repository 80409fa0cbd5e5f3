"""The Django app that makes a service judge its own traffic: commercecore_payments/testing/served_settings.py installs it."""

import os
from pathlib import Path

from django.apps import AppConfig


class StripeTypesConfig(AppConfig):
    name = "commercecore_payments.testing.stripe_types"

    def ready(self) -> None:
        """Raises KeyError where no folder is named: nobody would hear what was wrong."""
        from commercecore_payments.testing.stripe_types.description import stored_description
        from commercecore_payments.testing.stripe_types.services import FOLDER_VARIABLE, writing_into
        from commercecore_payments.testing.stripe_types.traffic import Traffic, listen

        folder = Path(os.environ[FOLDER_VARIABLE])
        listen(Traffic(stored_description(folder.parent), writing_into(folder)))
