"""Texts encrypted with keys of their own, each with an id, so that a copy of the database opens none of them."""

from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from django.core.exceptions import ImproperlyConfigured

# Of the id of an encryption key: long enough for a date or a random name.
MAX_KEY_ID_LENGTH = 32


class CannotDecrypt(Exception):
    """The key is gone, or is another one under the same id."""


def load_keys(setting: str, text: str) -> Mapping[str, Fernet]:
    """The keys of `<id>:<Fernet key>,…` by their ids, in their own order. Raises ImproperlyConfigured, and repeats no key.

    `setting` is the name of the environment variable that `text` is of.
    """
    keys: dict[str, Fernet] = {}
    for entry in text.split(","):
        key_id, _, key = entry.strip().partition(":")
        if not 0 < len(key_id) <= MAX_KEY_ID_LENGTH or key_id in keys:
            raise ImproperlyConfigured(
                f"{setting} is <id>:<Fernet key>,…, each id of 1 to {MAX_KEY_ID_LENGTH} characters, and once."
            )
        try:
            keys[key_id] = Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(f"{setting}: the key '{key_id}' is not 32 bytes in URL-safe base64.") from None
    return keys


def encrypt(text: str, keys: Mapping[str, Fernet]) -> tuple[str, str]:
    """The id of the key that encrypts now, the first one, and the encrypted text."""
    key_id = present_key_id(keys)
    return key_id, keys[key_id].encrypt(text.encode()).decode()


def present_key_id(keys: Mapping[str, Fernet]) -> str:
    """The id of the key that encrypts now."""
    return next(iter(keys))


def encrypt_anew(encrypted: str, keys: Mapping[str, Fernet], *, key_id: str) -> tuple[str, str]:
    """What `key_id` encrypted, under the key that encrypts now: its id and the encrypted text. Raises CannotDecrypt."""
    return encrypt(decrypt(encrypted, keys, key_id=key_id), keys)


def decrypt(encrypted: str, keys: Mapping[str, Fernet], *, key_id: str) -> str:
    """What was encrypted. Raises CannotDecrypt."""
    key = keys.get(key_id)
    if key is None:
        raise CannotDecrypt(f"There is no key '{key_id}'.")
    try:
        return key.decrypt(encrypted.encode()).decode()
    except InvalidToken:
        raise CannotDecrypt(f"The key '{key_id}' is not the one that encrypted it.") from None
