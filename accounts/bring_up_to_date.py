"""Bringing our record of a connected account up to date with Stripe's, where it may be gone."""

from django.db import transaction

from accounts.deletion import DELETION
from accounts.events import changes_told
from accounts.models import ConnectedAccount
from accounts.operations import take_over
from gateway import reads
from gateway.endings import look_at
from gateway.events import NotYet
from gateway.models import Kind, Operation


def bring_account_up_to_date(account_id: str) -> str:
    """The account as it is at Stripe, where it may be gone; a note of what came of it. Raises as `read_account_again`."""
    account = _known(account_id)
    if account.is_being_deleted:
        raise NotYet("The account is being deleted.")
    return _leave(account) if reads.account_is_gone(account_id) else _read_again(account)


def read_account_again(account_id: str) -> str:
    """An account that is there is read again and takes over what Stripe says; a note of what came of it.

    Raises NotYet while it is being deleted or has just changed here, and what `gateway.reads` raises.
    """
    return _read_again(_known(account_id))


def _read_again(account: ConnectedAccount) -> str:
    if account.is_being_deleted:
        raise NotYet("The account is being deleted.")
    if not take_over(account, reads.retrieve_account(account.stripe_account_id)):
        raise NotYet("The account has just changed here.")
    account.refresh_from_db()
    return f"The onboarding is {account.onboarding}."


def delete_account_if_gone(account_id: str) -> str:
    """The account is deleted here too where Stripe does not show it any more; a note of what came of it.

    A deletion that is open here ends by the same look at Stripe. Raises NotYet while it is under way, and what
    `gateway.reads` raises.
    """
    account = _known(account_id)
    deletion = Operation.objects.of(account).open().filter(kind=Kind.ACCOUNT_DELETE).first()
    if deletion is not None:
        look_at(deletion, DELETION)
        return "The deletion that was open has been looked at."
    return _leave(account) if reads.account_is_gone(account.stripe_account_id) else "The account is still there."


def _leave(account: ConnectedAccount) -> str:
    with transaction.atomic(durable=True):
        locked = ConnectedAccount.objects.select_for_update().get(pk=account.pk)
        if locked.is_being_deleted:
            raise NotYet("The account is being deleted.")
        if not locked.is_deleted:
            with changes_told(locked):
                locked.mark_deleted()
    return "The seller has left: the account is deleted here."


def _known(account_id: str) -> ConnectedAccount:
    return ConnectedAccount.objects.get(stripe_account_id=account_id)
