"""What every app of a developer is told of the developer's connected accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.models import ConnectedAccount
from webhooks.models import EventType
from webhooks.outbox import write_event


@contextmanager
def changes_told(account: ConnectedAccount) -> Iterator[None]:
    """While open, the locked account may be changed; at its end the developer's apps are told, in the same transaction.

    Open it as the last thing of the transaction: see `webhooks.outbox.write_event`.
    """
    version_before, was_deleted = account.version, account.is_deleted
    yield
    if account.is_deleted and not was_deleted:
        _tell(EventType.ACCOUNT_DELETED, account)
    elif account.version != version_before:
        _tell(EventType.ACCOUNT_UPDATED, account)


def _tell(event_type: EventType, account: ConnectedAccount) -> None:
    write_event(event_type, subject=account, data=account_facts(account), apps=account.developer.apps.all())


def account_facts(account: ConnectedAccount) -> dict[str, Any]:
    """The account as its events show it."""
    return {
        "account_id": account.stripe_account_id,
        "version": account.version,
        "deleted": account.is_deleted,
        "email": account.email,
        "country": account.country,
        "default_currency": account.default_currency,
        "onboarding": account.onboarding.value,
        "charges_enabled": account.charges_enabled,
        "payouts_enabled": account.payouts_enabled,
        "details_submitted": account.details_submitted,
        "capabilities": dict(sorted(account.capabilities.items())),
        "requirements": account.documented_requirements,
        "created": account.stripe_created,
    }
