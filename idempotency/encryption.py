"""Stored answers, encrypted: see commercecore_payments/encryption.py."""

from collections.abc import Mapping

from cryptography.fernet import Fernet
from django.conf import settings

from commercecore_payments import encryption
from idempotency.errors import AnswerUnreadable

SETTING = "ANSWER_ENCRYPTION_KEYS"


def encryption_keys() -> Mapping[str, Fernet]:
    """The first encrypts, all decrypt. Raises ImproperlyConfigured."""
    return encryption.load_keys(SETTING, settings.ANSWER_ENCRYPTION_KEYS)


def encrypt(text: str) -> tuple[str, str]:
    """The id of the key that encrypts now, the first one, and the encrypted text."""
    return encryption.encrypt(text, encryption_keys())


def decrypt(encrypted: str, *, key_id: str) -> str:
    """What was encrypted. Raises AnswerUnreadable where its key is gone or is another one under the same id."""
    try:
        return encryption.decrypt(encrypted, encryption_keys(), key_id=key_id)
    except encryption.CannotDecrypt:
        raise AnswerUnreadable from None
