"""Which Stripe a row belongs to. A process sees the rows of its own environment and no others."""

from typing import Any

from django.conf import settings
from django.db import models


class Environment(models.TextChoices):
    SANDBOX = "sandbox"
    TEST = "test"
    LIVE = "live"


def current_environment() -> str:
    """The environment of this process, told by its Stripe key."""
    return str(settings.STRIPE_ENVIRONMENT)


class EnvironmentManager(models.Manager[Any]):
    """Shows the rows of this process's environment alone, so that no query can forget the filter.

    Use it as `objects = EnvironmentManager.from_queryset(RefundQuerySet)()`.
    """

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(environment=current_environment())
