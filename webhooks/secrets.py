"""The secrets that sign what an endpoint is sent: encrypted in the database, and two at once while a rotation lasts."""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.fernet import Fernet
from django.conf import settings

from commercecore_payments import encryption
from webhooks.errors import SecretUnreadable
from webhooks.models import WebhookEndpoint

SETTING = "WEBHOOK_SECRET_KEYS"
# Standard Webhooks, "Signature scheme": a secret is `whsec_` and the base64 of 24 to 64 random bytes. As many as SHA-256 gives.
PREFIX = "whsec_"
SECRET_BYTES = 32
# How long the previous secret signs beside the new one: a day, in which the receiving program is given the new one.
ROTATION_LASTS = timedelta(hours=24)


def new_secret() -> str:
    """A secret as its receiver is told it: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def set_secret(endpoint: WebhookEndpoint, secret: str) -> None:
    """Makes `secret` the one that signs for an endpoint that is saved afterwards."""
    endpoint.secret_key_id, endpoint.secret = encryption.encrypt(secret, _keys())


def rotate(endpoint: WebhookEndpoint, secret: str, *, moment: datetime) -> None:
    """Makes `secret` the one that signs; the present one signs beside it for a day, and one before that no longer.

    One that cannot be read any more is not kept: a rotation is the way out of a lost key. `moment` is the database's present
    moment. The endpoint is saved afterwards.
    """
    is_kept = _is_readable(endpoint)
    endpoint.previous_secret = endpoint.secret if is_kept else ""
    endpoint.previous_secret_key_id = endpoint.secret_key_id if is_kept else ""
    endpoint.previous_secret_expires_at = moment + ROTATION_LASTS if is_kept else None
    set_secret(endpoint, secret)


def _is_readable(endpoint: WebhookEndpoint) -> bool:
    try:
        _decrypt(endpoint.secret, key_id=endpoint.secret_key_id)
    except SecretUnreadable:
        return False
    return True


def signing_secrets(endpoint: WebhookEndpoint, moment: datetime) -> list[str]:
    """The secrets that sign at `moment`, by the database's clock: the current one, and the previous one while it lasts.

    Raises SecretUnreadable.
    """
    found = [_decrypt(endpoint.secret, key_id=endpoint.secret_key_id)]
    expires_at = endpoint.previous_secret_expires_at
    if expires_at is not None and moment < expires_at:
        found.append(_decrypt(endpoint.previous_secret, key_id=endpoint.previous_secret_key_id))
    return found


def _decrypt(encrypted: str, *, key_id: str) -> str:
    try:
        return encryption.decrypt(encrypted, _keys(), key_id=key_id)
    except encryption.CannotDecrypt:
        raise SecretUnreadable from None


def _keys() -> Mapping[str, Fernet]:
    return encryption.load_keys(SETTING, settings.WEBHOOK_SECRET_KEYS)
