"""Whether an account's balance has to cover its refunds, and when those that wait for money try again.

Stripe takes what a balance lacks from the bank account behind it where `settings.payouts.debit_negative_balances` is true,
as it is by default for an Express account (the SDK on that field). Where it is false a refund waits: "if your available
balance doesn't cover the amount of the refund, Stripe … holds the refund as pending" (https://docs.stripe.com/refunds).
That this very setting decides it is the sandbox's reading of both.
"""

from django.db.models import QuerySet

from sandbox.models import SandboxObject
from sandbox.objects import state
from sandbox.timeline import clock, schedule

WAITING_REFUNDS_TRY_AGAIN = "waiting_refunds_try_again"


def may_go_below_zero(account_id: str) -> bool:
    """Whether refunds are taken from a balance that does not cover them. The platform's are, and those of a deleted account."""
    account = state.find("", "account", account_id) if account_id else None
    return account is None or account.deleted or bool(account.data["settings"]["payouts"]["debit_negative_balances"])


def waiting_refunds(account_id: str) -> QuerySet[SandboxObject]:
    """The refunds of an account that wait for money, the oldest first."""
    refunds = SandboxObject.objects.filter(account=account_id, object_type="refund")
    return refunds.filter(data__status="pending", data__pending_reason="insufficient_funds").order_by("id")


def refunds_wait(account_id: str, currency: str) -> bool:
    """Whether a refund in this currency waits for money, so that what comes in is kept for it and not paid out.

    That Stripe holds payouts back meanwhile is unverified: without it a refund could wait for ever beside daily payouts.
    """
    return waiting_refunds(account_id).filter(data__currency=currency).exists()


def plan(account_id: str) -> None:
    """Lets waiting refunds try again: called wherever money becomes available."""
    account = state.find("", "account", account_id) if account_id else None
    if account is not None and not may_go_below_zero(account_id):
        try_again_soon(account)


def try_again_soon(account: SandboxObject) -> None:
    """Notes a try of an account's waiting refunds, which is made in a change of its own: it locks from the account on."""
    schedule.at(clock.now(), WAITING_REFUNDS_TRY_AGAIN, account)
