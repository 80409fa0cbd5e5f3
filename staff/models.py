"""The rights of the staff as Django's permissions, and the confirmation forms that were sent."""

from collections.abc import Mapping
from typing import Any, Self

from django.db import IntegrityError, models, transaction

from commercecore_payments.clock import now
from staff.rights import Right

# The longest username of Django's User.
MAX_USERNAME_LENGTH = 150


class StaffAction(models.Model):
    """Has no rows and no table: Django's permissions have to hang on a model, and these hang on this one."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [(right.value, str(right.label)) for right in Right]


class UsedForm(models.Model):
    """A confirmation form that was sent: its one-time token cannot be used again. Forgotten after a day, see staff.tokens."""

    nonce = models.CharField(primary_key=True, max_length=32)
    username = models.CharField(max_length=MAX_USERNAME_LENGTH)
    used_at = models.DateTimeField(default=now, db_index=True)
    told = models.TextField(blank=True, help_text="What its sender was told; empty while it is carried out.")
    attempt = models.JSONField(
        default=dict, db_default={}, help_text="What it asks for, kept before it is carried out: see staff.interrupted."
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.nonce

    @classmethod
    def claim(cls, *, nonce: str, username: str, attempt: Mapping[str, Any]) -> Self | None:
        """The row, for whoever is first to send the form; None for everybody else, at the same moment too."""
        used = cls(nonce=nonce, username=username, attempt=dict(attempt))
        try:
            with transaction.atomic():
                used.save(force_insert=True)
        except IntegrityError:  # the primary key decides
            return None
        return used

    def note(self, told: str) -> None:
        """Keeps what the sender was told, for whoever sends the form again."""
        self.told = told
        self.save(update_fields=["told"])
