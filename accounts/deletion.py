"""Deleting a connected account: not while money is held, and not before its payments were read for the last time."""

from django.db import transaction

from accounts.errors import AccountInUse, AccountNotFound
from accounts.events import changes_told
from accounts.models import ConnectedAccount
from accounts.operations import find_account
from commercecore_payments.actors import Actor
from commercecore_payments.errors import ServiceError
from gateway import reads
from gateway.endings import Ending, not_done, not_found, outcome_of_earlier
from gateway.errors import StripeConfigurationRefused, StripeRejected
from gateway.models import Kind, Operation, Status
from gateway.operations import earlier_under_key, finish, raise_for_outcome, record, reserve
from gateway.outcomes import Fault, Outcome
from transactions.models import Transaction
from transactions.operations import refresh_unfinished
from transactions.operations.read import MOST_NAMED


def delete_account(*, account_id: str, actor: Actor) -> ConnectedAccount:
    """Deletes the developer's account at Stripe; the row stays as history and its email is free again.

    A deletion carries no idempotency key at Stripe: the account is read first, and gone means done, whoever deleted it.
    So are its payments that are not final here: a challenge may have been passed meanwhile, and nobody can read them
    afterwards. A repeat under the caller's own key is answered with what the first brought. Raises AccountNotFound,
    AccountInUse while payments are held or operations about the account are open, TooManyUnfinished, and what
    `gateway.operations.raise_for_outcome` raises.
    """
    earlier = earlier_under_key(Kind.ACCOUNT_DELETE, actor=actor)
    if earlier is None:
        account = find_account(account_id=account_id, developer=actor.developer)
        earlier = Operation.objects.of(account).open().filter(kind=Kind.ACCOUNT_DELETE).first()
    if earlier is not None:
        operation, outcome = earlier, outcome_of_earlier(earlier, DELETION)
    else:
        operation, outcome = _delete(account, actor=actor)
    raise_for_outcome(operation, outcome, refusal=_refusal)
    return ConnectedAccount.objects.get(pk=operation.subject_id)


def _refusal(fault: Fault, *, stripe_request_id: str) -> ServiceError:
    """Stripe's no, or our own where an interrupted deletion is given up: then nothing was answered by Stripe."""
    if fault.http_status is None:
        return AccountInUse(fault.message)
    return StripeRejected(fault, stripe_request_id=stripe_request_id)


def _delete(account: ConnectedAccount, *, actor: Actor) -> tuple[Operation, Outcome]:
    is_gone = _is_gone_or_read(account)
    operation = _reserve_deletion(account=account, is_gone=is_gone, actor=actor)
    if not is_gone:
        return operation, finish(operation, settle_deletion)
    outcome = Outcome(status=Status.SUCCEEDED)
    record(operation, outcome, settle_deletion)
    return operation, outcome


def _is_gone_or_read(account: ConnectedAccount) -> bool:
    """Whether the account is gone at Stripe. Where it is not, its payments were read for the last time."""
    if reads.account_is_gone(account.stripe_account_id):
        return True
    try:
        refresh_unfinished(account)
    except StripeConfigurationRefused as refused:
        if refused.fault.code != reads.ACCOUNT_HAS_LEFT:
            raise
        return True  # somebody else has just deleted it
    return False


def _reserve_deletion(*, account: ConnectedAccount, is_gone: bool, actor: Actor) -> Operation:
    """`is_gone`: at Stripe, and with it whatever was held there."""
    with transaction.atomic(durable=True):
        locked = ConnectedAccount.objects.select_for_update().existing().filter(pk=account.pk).first()
        if locked is None:
            raise AccountNotFound
        about_it = Operation.objects.open().filter(stripe_account=locked.stripe_account_id)
        held = [] if is_gone else _held_at(locked)
        if held or about_it.exists() or Operation.objects.of(locked).open().exists():
            raise AccountInUse(held=held)
        operation = reserve(Kind.ACCOUNT_DELETE, subject=locked, actor=actor, parameters={}, target_id=locked.stripe_account_id)
        locked.mark_deleting()
        return operation


def _held_at(account: ConnectedAccount) -> list[str]:
    return list(Transaction.objects.held().at(account).values_list("stripe_payment_intent_id", flat=True)[:MOST_NAMED])


def settle_deletion(operation: Operation, outcome: Outcome) -> None:
    """The account is gone, or in use as before."""
    account = ConnectedAccount.objects.select_for_update().get(pk=operation.subject_id)
    if not outcome.succeeded:
        account.mark_kept()
        return
    with changes_told(account):
        account.mark_deleted()


def _look_at_deleted(operation: Operation) -> Outcome:
    account = ConnectedAccount.objects.get(pk=operation.subject_id)
    if _is_gone_or_read(account):
        return Outcome(status=Status.SUCCEEDED)
    held = _held_at(account)
    if held:
        return not_done(f"The account is still there, and payments are held by now: {', '.join(held)}.")
    return not_found("The account is still there.")


DELETION = Ending(settle=settle_deletion, look=_look_at_deleted, looks_first=True)
