from django.apps import AppConfig


class DevelopersConfig(AppConfig):
    name = "developers"
    verbose_name = "Developers"

    def ready(self) -> None:
        from developers import checks  # noqa: F401  registers the system checks
