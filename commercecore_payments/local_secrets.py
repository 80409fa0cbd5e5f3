"""Secrets that nobody configured: made once, kept in the state folder, the same for every process."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def _new_encryption_key() -> str:
    """One key as ANSWER_ENCRYPTION_KEYS lists them: an id, and 32 bytes as Fernet takes them."""
    return f"{secrets.token_hex(4)}:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"


def _new_signing_secret() -> str:
    """Shaped like the secret of a webhook endpoint at Stripe."""
    return f"whsec_{secrets.token_hex(16)}"


# Each name may be set in the environment, which then wins over the generated value.
GENERATORS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(64),
    "TOKEN_HASH_KEY": lambda: secrets.token_urlsafe(48),
    "LINK_SIGNING_KEY": lambda: secrets.token_urlsafe(48),
    "ANSWER_ENCRYPTION_KEYS": _new_encryption_key,
    "WEBHOOK_SECRET_KEYS": _new_encryption_key,
    # With the sandbox these sign its own events. Beside a real Stripe nobody knows them, so none is accepted until they are set.
    "STRIPE_WEBHOOK_SECRETS": _new_signing_secret,
    "STRIPE_CONNECT_WEBHOOK_SECRETS": _new_signing_secret,
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(12),
}


def load_or_create_secrets(folder: Path) -> dict[str, str]:
    """The generated secrets kept in `folder`, made at the first call.

    A secret that a later release adds is made and added to the file. Several processes may start at once: one at a time
    adds what is missing, so that every process reads the same values. Raises ImproperlyConfigured where the folder can be
    neither read nor made, as on a file system that is read only.
    """
    try:
        return _load_or_create(folder)
    except OSError as error:
        raise ImproperlyConfigured(f"COMMERCECORE_STATE_DIR names a folder that cannot be used: {error.strerror}.") from error


def _load_or_create(folder: Path) -> dict[str, str]:
    path = folder / "secrets.json"
    known = _read(path)
    if known.keys() >= GENERATORS.keys():
        return known
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # given back when it is closed, by a process that dies as well
        return _complete(path)
    finally:
        os.close(descriptor)


def _read(path: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return known


def _complete(path: Path) -> dict[str, str]:
    known = _read(path)
    whole = {**{name: make() for name, make in GENERATORS.items() if name not in known}, **known}
    if whole != known:
        draft = path.with_name(f"secrets.{os.getpid()}.{secrets.token_hex(4)}.json")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(whole, indent=1))
        draft.replace(path)  # whole or not at all, for whoever reads it meanwhile
    return whole
