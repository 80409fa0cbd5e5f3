"""Secrets that nobody configured: made once, kept in the state folder, the same for every process."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

# Each name may be set in the environment, which then wins over the generated value.
GENERATORS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(64),
    "TOKEN_HASH_KEY": lambda: secrets.token_urlsafe(48),
    "LINK_SIGNING_KEY": lambda: secrets.token_urlsafe(48),
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(12),
}


def load_or_create_secrets(folder: Path) -> dict[str, str]:
    """The generated secrets kept in `folder`, made at the first call.

    Several processes may start at once: the file is linked into place whole, so that the first one wins
    and every process reads the same values. A secret that a later release adds is made and added to the file.
    """
    path = folder / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: make() for name, make in GENERATORS.items() if name not in known}
    if not missing:
        return known
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f"secrets.{os.getpid()}.{secrets.token_hex(4)}.json"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({**known, **missing}, indent=1))
    if known:
        draft.replace(path)
        return {**known, **missing}
    try:
        os.link(draft, path)
    except FileExistsError:
        return load_or_create_secrets(folder)
    finally:
        draft.unlink(missing_ok=True)
    return load_or_create_secrets(folder)
