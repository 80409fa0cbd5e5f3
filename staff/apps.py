from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        """From now on django-auditlog writes down what is saved of the registered models."""
        from staff.audit import register_models

        register_models()
