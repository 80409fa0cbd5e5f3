"""The secrets that sign what an endpoint is sent: encrypted in the database, and two at once while a rotation lasts."""

import base64
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.fernet import Fernet
from django.conf import settings

from commercecore_payments import encryption
from webhooks.errors import SecretUnreadable
from webhooks.models import WebhookEndpoint

logger = logging.getLogger(__name__)

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
    endpoint.secret_key_id, endpoint.secret = encryption.encrypt(secret, encryption_keys())


def rotate(endpoint: WebhookEndpoint, secret: str, *, moment: datetime) -> None:
    """Makes `secret` the one that signs; the present one signs beside it for a day.

    Within that day of another rotation the present one is replaced alone: the one before it, which the receiver may still know
    alone, signs until its own time ends. One that cannot be read any more is not kept: a rotation is the way out of a lost key.
    `moment` is the database's present moment. The endpoint is saved afterwards.
    """
    if _previous_secret(endpoint, moment) is None:
        is_kept = _read(endpoint.secret, key_id=endpoint.secret_key_id) is not None
        endpoint.previous_secret = endpoint.secret if is_kept else ""
        endpoint.previous_secret_key_id = endpoint.secret_key_id if is_kept else ""
        endpoint.previous_secret_expires_at = moment + ROTATION_LASTS if is_kept else None
    set_secret(endpoint, secret)


def forget_previous_secret(endpoint: WebhookEndpoint, moment: datetime) -> None:
    """Deletes the previous secret of a rotation that is over at `moment`, by the database's clock; a newer one's stays."""
    over = WebhookEndpoint.objects.filter(pk=endpoint.pk, previous_secret_expires_at__lte=moment)
    over.update(previous_secret="", previous_secret_key_id="", previous_secret_expires_at=None)


def signing_secrets(endpoint: WebhookEndpoint, moment: datetime) -> list[str]:
    """The secrets that sign at `moment`, by the database's clock: the current one, and the previous one while it lasts.

    Raises SecretUnreadable where the current one cannot be read; without the previous one the receiver has what it needs.
    """
    current = _read(endpoint.secret, key_id=endpoint.secret_key_id)
    if current is None:
        raise SecretUnreadable
    previous = _previous_secret(endpoint, moment)
    return [current] if previous is None else [current, previous]


def _previous_secret(endpoint: WebhookEndpoint, moment: datetime) -> str | None:
    """The one that signs beside the current one; None where no rotation lasts, or where it cannot be read."""
    expires_at = endpoint.previous_secret_expires_at
    if expires_at is None or moment >= expires_at:
        return None
    previous = _read(endpoint.previous_secret, key_id=endpoint.previous_secret_key_id)
    if previous is None:
        logger.warning("the previous secret of endpoint %s cannot be decrypted: the current one signs alone", endpoint.pk)
    return previous


def _read(encrypted: str, *, key_id: str) -> str | None:
    try:
        return encryption.decrypt(encrypted, encryption_keys(), key_id=key_id)
    except encryption.CannotDecrypt:
        return None


def encryption_keys() -> Mapping[str, Fernet]:
    """The first encrypts, all decrypt. Raises ImproperlyConfigured."""
    return encryption.load_keys(SETTING, settings.WEBHOOK_SECRET_KEYS)
