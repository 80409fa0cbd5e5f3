"""An account's money on its way to the bank: made by day or by hand, sent, and arrived, returned or canceled."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import coverage, ledger, payout_schedule
from sandbox.objects import ids, state
from sandbox.timeline import clock, schedule

IS_SENT = "payout_is_sent"
ARRIVES = "payout_arrives"
# Days until a payout is sent and until it arrives, both at midnight UTC. A bank takes about two days in the United States
# (https://docs.stripe.com/payouts#payout-speed); that it is sent with the first midnight is the sandbox's own.
SENT_AFTER_DAYS = 1
ARRIVES_AFTER_DAYS = 2
# How long a payout waits that cannot be sent, since its account is not paid out any more: so it is of accounts that the
# platform paused (https://docs.stripe.com/connect/pausing-payments-or-payouts-on-connected-accounts); of others unverified.
WAITS_AT_MOST_DAYS = 10
# Bank account numbers whose payouts fail, and how: https://docs.stripe.com/connect/testing#account-numbers (United States).
FAILURES = {
    "000111111116": "no_account",
    "000111111113": "account_closed",
    "000222222227": "insufficient_funds",
    "000333333335": "debit_not_authorized",
    "000444444440": "invalid_currency",
}
# What each code means, after https://docs.stripe.com/api/payouts/failures; the texts are the sandbox's own.
_MEANINGS = {
    "no_account": "The bank could not find the account that the money was sent to.",
    "account_closed": "The bank account that the money was sent to has been closed.",
    "insufficient_funds": "Stripe's account had too little money for this payout.",
    "debit_not_authorized": "The bank account allows no debits.",
    "invalid_currency": "The bank account does not take this currency.",
}


@dataclass(frozen=True)
class Wish:
    """What may be said of a payout that is made by hand."""

    description: str | None = None
    metadata: dict[str, str] | None = None
    statement_descriptor: str | None = None


def pay_out_day(_: str, account_id: str) -> None:
    """A task: everything available in each currency goes to the bank, if there is one that takes it."""
    account = state.find("", "account", account_id, lock=True)
    if account is None or not payout_schedule.is_automatic(account):
        return
    if not account.data["payouts_enabled"] or not bank_account(account):
        return
    schedule.lock(payout_schedule.PAYOUT_DAY, account)
    for currency in ledger.currencies(account_id):
        if not coverage.refunds_wait(account_id, currency):
            _pay_out_all(account, currency)


def bank_account(account: SandboxObject) -> dict[str, Any] | None:
    """The bank account that payouts go to: none before the onboarding, none once a payout to it has failed."""
    rows: list[dict[str, Any]] = account.data["external_accounts"]["data"]
    return next((row for row in rows if row["status"] != "errored"), None)


def make(account: SandboxObject, currency: str, amount: int, wish: Wish, *, automatic: bool) -> SandboxObject:
    """Takes money, in minor units, off the balance of a locked account that has a bank account, and sends it there."""
    destination = bank_account(account)
    if destination is None:
        raise LookupError(f"{account.stripe_id} has no bank account that a payout could go to.")
    # What its bank will say stays with the payout: the seller may name another bank while it is on its way.
    hidden = {"failure": account.hidden.get("payout_failure")}
    row = state.insert(
        account=account.stripe_id, data=_fresh(currency, amount, wish, destination["id"], automatic), hidden=hidden
    )
    row.data["balance_transaction"] = _move(row, "payout", -amount, "payout").stripe_id
    state.save(row)
    schedule.at(payout_schedule.next_midnight(SENT_AFTER_DAYS), IS_SENT, row)
    return row


def send(account_id: str, payout: str) -> None:
    """A task: a payout leaves for the bank, unless it was canceled; it waits while its account is not paid out."""
    account = state.find("", "account", account_id, lock=True)
    row = state.addressed(account_id, "payout", payout, param="id", lock=True)
    if row.data["status"] != "pending":
        return
    if account and not account.deleted and not account.data["payouts_enabled"]:
        _wait(row)
        return
    arrival = payout_schedule.next_midnight(ARRIVES_AFTER_DAYS - SENT_AFTER_DAYS)
    row.data |= {"arrival_date": int(arrival.timestamp()), "status": "in_transit"}  # a payout that waited arrives later
    state.save(row)
    schedule.at(arrival, ARRIVES, row)


def arrive(account_id: str, payout: str) -> None:
    """A task: a payout reaches the bank, which takes it or sends it back."""
    account = state.find("", "account", account_id, lock=True)
    row = state.addressed(account_id, "payout", payout, param="id", lock=True)
    if row.data["status"] != "in_transit":
        return
    code = row.hidden.get("failure")
    if account and not account.deleted and code:
        _fail(account, row, code)
        return
    row.data["status"] = "paid"
    _reconcile(row)
    state.save(row)


def cancel(row: SandboxObject) -> None:
    """Takes a locked payout back that was not sent: its money is available again."""
    row.data["failure_balance_transaction"] = _move(row, "payout_cancel", row.data["amount"], "payout_reversal").stripe_id
    row.data["status"] = "canceled"
    _reconcile(row)
    state.save(row)


def _wait(row: SandboxObject) -> None:
    if clock.now() - row.created_at >= timedelta(days=WAITS_AT_MOST_DAYS):
        cancel(row)
    else:
        schedule.at(payout_schedule.next_midnight(), IS_SENT, row)


def _pay_out_all(account: SandboxObject, currency: str) -> None:
    """Pays out what the transactions that no payout carried yet add up to: the sum is made of the very rows it carries."""
    waiting = ledger.transactions(account.stripe_id).select_for_update()
    waiting = waiting.filter(data__currency=currency, data__status="available", hidden__payout__isnull=True)
    carried = list(waiting.order_by("id"))
    amount = sum(transaction.data["net"] for transaction in carried)
    if amount <= 0:
        return
    row = make(account, currency, amount, Wish(description="STRIPE PAYOUT"), automatic=True)
    own = state.addressed(account.stripe_id, "balance_transaction", row.data["balance_transaction"], param="id", lock=True)
    for transaction in (*carried, own):
        transaction.hidden["payout"] = row.stripe_id
        state.save(transaction)


def _fail(account: SandboxObject, row: SandboxObject, code: str) -> None:
    """Returns the money, and stops paying out to this bank account, as Stripe does until it is replaced."""
    for destination in account.data["external_accounts"]["data"]:
        if destination["id"] == row.data["destination"]:
            destination["status"] = "errored"
    state.save(account)
    row.data |= {
        "failure_balance_transaction": _move(row, "payout_failure", row.data["amount"], "payout_reversal").stripe_id,
        "failure_code": code,
        "failure_message": _MEANINGS[code],
        "status": "failed",
    }
    _reconcile(row)
    state.save(row)


def _reconcile(row: SandboxObject) -> None:
    if row.data["automatic"]:
        row.data["reconciliation_status"] = "completed"


def _move(row: SandboxObject, kind: str, amount: int, category: str) -> SandboxObject:
    return ledger.book(
        account=row.account,
        type=kind,
        amount=amount,
        currency=row.data["currency"],
        source=row.stripe_id,
        reporting_category=category,
        description=row.data["description"] or "",
    )


def _fresh(currency: str, amount: int, wish: Wish, destination: str, automatic: bool) -> dict[str, Any]:
    return {
        "id": ids.new_stripe_id("payout"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": int(payout_schedule.next_midnight(ARRIVES_AFTER_DAYS).timestamp()),
        "automatic": automatic,
        "balance_transaction": None,
        "created": clock.now_seconds(),
        "currency": currency,
        "description": wish.description,
        "destination": destination,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": wish.metadata or {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": wish.statement_descriptor,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
