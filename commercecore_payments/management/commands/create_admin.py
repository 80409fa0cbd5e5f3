"""`manage.py create_admin`: the first operator who can log in to the admin."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Creates the superuser ADMIN_USERNAME with ADMIN_PASSWORD. One that exists keeps its password."

    def handle(self, *args: Any, **options: Any) -> None:
        username = settings.ADMIN_USERNAME
        users = get_user_model()._default_manager
        if users.filter(username=username).exists():
            self.stdout.write(f"The admin {username} exists already and is left as it is.")
            return
        _refuse_weak_password()
        users.create_superuser(username=username, password=settings.ADMIN_PASSWORD)
        self.stdout.write(f"The admin {username} was created.")


def _refuse_weak_password() -> None:
    """In the sandbox any password will do; beside a Stripe key it guards money."""
    if settings.STRIPE_SANDBOX:
        return
    try:
        validate_password(settings.ADMIN_PASSWORD)
    except ValidationError as error:
        raise CommandError(f"ADMIN_PASSWORD: {' '.join(error.messages)}") from error
