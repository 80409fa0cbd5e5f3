"""Stored answers, encrypted: with keys of their own, so that a copy of the database opens none of them."""

from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from idempotency.errors import AnswerUnreadable
from idempotency.models import MAX_KEY_ID_LENGTH

SETTING = "ANSWER_ENCRYPTION_KEYS"


def load_keys(text: str) -> Mapping[str, Fernet]:
    """The keys of `<id>:<Fernet key>,…` by their ids, in their own order. Raises ImproperlyConfigured, and repeats no key."""
    keys: dict[str, Fernet] = {}
    for entry in text.split(","):
        key_id, _, key = entry.strip().partition(":")
        if not 0 < len(key_id) <= MAX_KEY_ID_LENGTH or key_id in keys:
            raise ImproperlyConfigured(
                f"{SETTING} is <id>:<Fernet key>,…, each id of 1 to {MAX_KEY_ID_LENGTH} characters, and once."
            )
        try:
            keys[key_id] = Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(f"{SETTING}: the key '{key_id}' is not 32 bytes in URL-safe base64.") from None
    return keys


def encrypt(text: str) -> tuple[str, str]:
    """The id of the key that encrypts now, the first one, and the encrypted text."""
    key_id, key = next(iter(load_keys(settings.ANSWER_ENCRYPTION_KEYS).items()))
    return key_id, key.encrypt(text.encode()).decode()


def decrypt(encrypted: str, *, key_id: str) -> str:
    """What was encrypted. Raises AnswerUnreadable where its key is gone or is another one under the same id."""
    key = load_keys(settings.ANSWER_ENCRYPTION_KEYS).get(key_id)
    if key is None:
        raise AnswerUnreadable
    try:
        return key.decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise AnswerUnreadable from None
