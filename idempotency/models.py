"""IdempotencyKey: a caller's request under its own Idempotency-Key, and the answer that every repeat is given."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from commercecore_payments.actors import HeldKey
from commercecore_payments.clock import now
from commercecore_payments.encryption import MAX_KEY_ID_LENGTH
from commercecore_payments.environments import Environment, EnvironmentManager, current_environment
from developers.models import MAX_IDENTIFIER_LENGTH, Developer

# The length of a SHA-256 in hexadecimal.
FINGERPRINT_LENGTH = 64
# Stripe's own limit, which our callers know (docs.stripe.com/api/idempotent_requests).
MAX_KEY_LENGTH = 255
# Of the name of an API version, which is a date.
MAX_VERSION_LENGTH = 10


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def held_by(self, held: HeldKey) -> Self:
        """The row of this attempt; none where a later attempt has taken it over, or where it is answered."""
        return self.filter(pk=held.row_id, attempt=held.attempt, answered_at__isnull=True)

    def take(self, fingerprint: str, *, moment: datetime, until: datetime) -> bool:
        """Takes the key for one attempt at this request; False where it is held, answered or another request's.

        One guarded UPDATE decides, so of any number of callers one carries the request out.
        """
        free = self.filter(fingerprint=fingerprint, answered_at__isnull=True, held_until__lte=moment)
        return free.update(attempt=F("attempt") + 1, held_until=until) == 1


class IdempotencyKey(models.Model):
    """One key of one app (of the developer alone where the route knows no app): its request, its holder, its answer."""

    environment = models.CharField(max_length=8, choices=Environment, default=current_environment)
    developer = models.ForeignKey(Developer, models.PROTECT, related_name="idempotency_keys")
    # Text, and empty instead of NULL, since two NULLs would be two different scopes.
    app_id = models.CharField("app", max_length=MAX_IDENTIFIER_LENGTH, blank=True)
    key = models.CharField(max_length=MAX_KEY_LENGTH)
    fingerprint = models.CharField(max_length=FINGERPRINT_LENGTH, help_text="Of the method, the address, the user and the body.")

    # The fencing token: each holder has its own, and whoever holds an older one is refused.
    attempt = models.PositiveIntegerField(default=1, help_text="How often the request was begun; also the fencing token.")
    held_until = models.DateTimeField(help_text="By the database's clock: until then its holder may still be at work.")
    created_at = models.DateTimeField(default=now)

    answered_at = models.DateTimeField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    api_version = models.CharField(max_length=MAX_VERSION_LENGTH, blank=True, help_text="The one in which it was answered.")
    # Encrypted: answers hold client secrets.
    answer = models.TextField(blank=True, editable=False)
    encryption_key_id = models.CharField(max_length=MAX_KEY_ID_LENGTH, blank=True)

    objects = EnvironmentManager.from_queryset(IdempotencyKeyQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["environment", "developer", "app_id", "key"], name="one_row_an_idempotency_key"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, status_code__isnull=True, answer="")
                | Q(answered_at__isnull=False, status_code__isnull=False),
                name="idempotency_key_is_answered_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["environment", "-created_at", "-id"], name="idempotency_key_newest"),
            models.Index(fields=["environment", "held_until"], name="idempotency_key_unused"),
        ]

    def __str__(self) -> str:
        return self.key
