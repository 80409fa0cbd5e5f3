from django.apps import AppConfig
from django.conf import settings


class StripeEventsConfig(AppConfig):
    name = "stripe_events"
    verbose_name = "Stripe events"

    def ready(self) -> None:
        """Nothing starts with a secret that is blank: whoever guesses it could sign events."""
        from gateway.webhook_signatures import read_secrets

        for setting in ("STRIPE_WEBHOOK_SECRETS", "STRIPE_CONNECT_WEBHOOK_SECRETS"):
            read_secrets(setting, getattr(settings, setting))
