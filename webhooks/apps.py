from django.apps import AppConfig
from django.conf import settings


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Nothing starts with keys that cannot be used: an endpoint's secret could not be read when it is needed."""
        from commercecore_payments.encryption import load_keys

        load_keys("WEBHOOK_SECRET_KEYS", settings.WEBHOOK_SECRET_KEYS)
