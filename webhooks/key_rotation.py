"""The secrets of webhook endpoints under a new encryption key, so that the one before can be given up."""

from django.db.models import Q, QuerySet

from commercecore_payments import encryption
from commercecore_payments.clock import database_now
from webhooks.models import WebhookEndpoint
from webhooks.secrets import encryption_keys


def under_older_keys() -> QuerySet[WebhookEndpoint]:
    """The endpoints in use with a secret that signs and that the present key, the first, did not encrypt."""
    present = encryption.present_key_id(encryption_keys())
    is_old = ~Q(secret_key_id=present)
    was_old = Q(previous_secret_expires_at__gt=database_now()) & ~Q(previous_secret_key_id=present)
    return WebhookEndpoint.objects.filter(is_old | was_old, deleted_at=None).order_by("pk")


def needing(key_id: str) -> QuerySet[WebhookEndpoint]:
    """The endpoints in use whose secrets this key alone opens."""
    signs_beside = Q(previous_secret_expires_at__gt=database_now(), previous_secret_key_id=key_id)
    return WebhookEndpoint.objects.filter(Q(secret_key_id=key_id) | signs_beside, deleted_at=None)


def encrypt_anew(endpoint: WebhookEndpoint) -> bool:
    """Encrypts an endpoint's secrets with the present key. False where it was given another one meanwhile: it is left alone.

    A previous secret whose day is over is forgotten. Raises CannotDecrypt where a key is gone.
    """
    keys = encryption_keys()
    unchanged = WebhookEndpoint.objects.filter(
        pk=endpoint.pk, secret=endpoint.secret, previous_secret=endpoint.previous_secret, deleted_at=None
    )
    key_id, secret = encryption.encrypt_anew(endpoint.secret, keys, key_id=endpoint.secret_key_id)
    ends_at = endpoint.previous_secret_expires_at
    if ends_at is None or ends_at <= database_now():
        previous = {"previous_secret": "", "previous_secret_key_id": "", "previous_secret_expires_at": None}
    else:
        before = encryption.encrypt_anew(endpoint.previous_secret, keys, key_id=endpoint.previous_secret_key_id)
        previous = {"previous_secret_key_id": before[0], "previous_secret": before[1]}
    return unchanged.update(secret=secret, secret_key_id=key_id, **previous) == 1
