"""Tells mistakes in the callers' keys before the first request meets them."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from developers.json_web_tokens import load_key

# RFC 2104, section 3: a key shorter than the hash's 32 bytes weakens the HMAC.
MIN_HASH_KEY_BYTES = 32


@register()
def check_json_web_token_keys(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """Every key of COMMERCECORE_JWT_KEYS that could not verify a token, or could verify too much."""
    keys: Any = settings.JWT_KEYS  # whatever JSON the environment holds
    if not isinstance(keys, dict):
        return [Error("COMMERCECORE_JWT_KEYS must be a JSON object of keys by their kid.", id="developers.E001")]
    messages: list[CheckMessage] = []
    for kid, entry in keys.items():
        try:
            load_key(kid, entry)
        except ImproperlyConfigured as error:
            messages.append(Error(str(error), id="developers.E002"))
    return messages


@register()
def check_token_hash_key(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    """TOKEN_HASH_KEY must be long enough that a copy of the database cannot be searched for it."""
    if len(settings.TOKEN_HASH_KEY.encode()) >= MIN_HASH_KEY_BYTES:
        return []
    return [Error(f"TOKEN_HASH_KEY must have at least {MIN_HASH_KEY_BYTES} bytes.", id="developers.E003")]
