"""Stored answers under a new encryption key, for whoever cannot wait until those of the one before are pruned."""

from django.db.models import QuerySet

from commercecore_payments import encryption
from idempotency.encryption import encryption_keys
from idempotency.models import IdempotencyKey


def under_older_keys() -> QuerySet[IdempotencyKey]:
    """Those with an answer that the present key, the first, did not encrypt."""
    present = encryption.present_key_id(encryption_keys())
    return IdempotencyKey.objects.exclude(answer="").exclude(encryption_key_id=present).order_by("pk")


def needing(key_id: str) -> QuerySet[IdempotencyKey]:
    """Those whose answers this key alone opens."""
    return IdempotencyKey.objects.filter(encryption_key_id=key_id).exclude(answer="")


def encrypt_anew(row: IdempotencyKey) -> bool:
    """Encrypts an answer with the present key. False where it was pruned meanwhile. Raises CannotDecrypt."""
    key_id, answer = encryption.encrypt_anew(row.answer, encryption_keys(), key_id=row.encryption_key_id)
    return IdempotencyKey.objects.filter(pk=row.pk, answer=row.answer).update(answer=answer, encryption_key_id=key_id) == 1
