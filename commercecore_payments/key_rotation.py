"""What is stored under a key that has followers: docs/key-rotation.md says how each key is changed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.fernet import Fernet
from django.db.models import QuerySet

from commercecore_payments.encryption import CannotDecrypt
from idempotency import encryption as answers
from idempotency import key_rotation as answer_rotation
from webhooks import key_rotation as secret_rotation
from webhooks import secrets


class Result(StrEnum):
    """What became of one row."""

    ENCRYPTED_ANEW = "encrypted anew"
    CHANGED_MEANWHILE = "changed meanwhile"
    UNREADABLE = "unreadable: its key is gone"


@dataclass(frozen=True, slots=True)
class Store:
    """Rows with an encrypted text, the setting that holds their keys, and how one of them is encrypted anew."""

    name: str
    setting: str
    keys: Callable[[], Mapping[str, Fernet]]
    under_older_keys: Callable[[], QuerySet[Any]]
    needing: Callable[[str], QuerySet[Any]]
    encrypt_anew: Callable[[Any], bool]


STORES = (
    Store(
        "secrets of webhook endpoints",
        secrets.SETTING,
        secrets.encryption_keys,
        secret_rotation.under_older_keys,
        secret_rotation.needing,
        secret_rotation.encrypt_anew,
    ),
    Store(
        "stored answers",
        answers.SETTING,
        answers.encryption_keys,
        answer_rotation.under_older_keys,
        answer_rotation.needing,
        answer_rotation.encrypt_anew,
    ),
)


def encrypt_anew(store: Store, *, limit: int) -> Iterator[Result]:
    """Encrypts up to `limit` rows of a store with its present key. Begun again, it goes on with what is left.

    Rows whose key is gone are passed over and do not count: they would stand before all others at each beginning.
    """
    left, waiting = limit, store.under_older_keys()
    while rows := list(waiting[:left]):
        for row in rows:
            result = _encrypt_anew(store, row)
            left -= result != Result.UNREADABLE
            yield result
        waiting = store.under_older_keys().filter(pk__gt=rows[-1].pk)


def _encrypt_anew(store: Store, row: Any) -> Result:
    try:
        return Result.ENCRYPTED_ANEW if store.encrypt_anew(row) else Result.CHANGED_MEANWHILE
    except CannotDecrypt:
        return Result.UNREADABLE
