from django.apps import AppConfig
from django.conf import settings


class IdempotencyConfig(AppConfig):
    name = "idempotency"
    verbose_name = "Idempotency"

    def ready(self) -> None:
        """Nothing starts with keys that cannot be used: an answer could not be stored after the work was done."""
        from commercecore_payments.encryption import load_keys
        from idempotency.encryption import SETTING

        load_keys(SETTING, settings.ANSWER_ENCRYPTION_KEYS)
