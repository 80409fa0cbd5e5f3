from django.apps import AppConfig


class CommerceCorePaymentsConfig(AppConfig):
    name = "commercecore_payments"
    verbose_name = "CommerceCore Payments"

    def ready(self) -> None:
        from commercecore_payments import checks  # noqa: F401  registers the system checks
