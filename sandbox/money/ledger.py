"""The books of each account: balance transactions (https://docs.stripe.com/api/balance_transactions), and what they add up to.

A balance is never kept beside its transactions: it is their sum. Stripe converts what it settles into an account's default
currency; the sandbox keeps a balance in each currency that was charged, so that no rate has to be made up.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from sandbox.models import SandboxObject
from sandbox.money import coverage, payout_schedule
from sandbox.objects import events, ids, journal, state
from sandbox.timeline import clock, schedule

MONEY_AVAILABLE = "money_available"
# The platform's own currency, shown as zero where it has no money yet; a connected account names its own.
PLATFORM_CURRENCY = "usd"


def book(
    *,
    account: str,
    type: str,
    amount: int,
    currency: str,
    source: str,
    reporting_category: str,
    description: str,
    available_on: datetime | None = None,
    fees: Sequence[dict[str, Any]] = (),
) -> SandboxObject:
    """Writes a balance transaction of an account ("" is the platform) and answers its row.

    `amount` is in minor units, positive for money that comes in; its net is the amount less the fees. `source` is the id
    of the object behind it. The money is pending until `available_on`, and available at once where that is None or past.
    """
    now = clock.now()
    waits = available_on is not None and available_on > now
    fee = sum(detail["amount"] for detail in fees)
    data = {
        "id": ids.new_stripe_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": int((available_on or now).timestamp()),
        "balance_type": "payments",
        "created": clock.now_seconds(),
        "currency": currency,
        "description": description or None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": list(fees),
        "net": amount - fee,
        "reporting_category": reporting_category,
        "source": source,
        "status": "pending" if waits else "available",
        "type": type,
    }
    row = state.insert(account=account, data=data)
    if available_on is not None and waits:
        schedule.at(available_on, MONEY_AVAILABLE, row)
    elif amount > fee:
        _tell_available(account)
        _use(account)
    return row


def fee_detail(kind: str, amount: int, currency: str, *, application: str | None = None, description: str) -> dict[str, Any]:
    """One line of a transaction's fees, in minor units: `kind` is `stripe_fee` or `application_fee`."""
    return {"amount": amount, "application": application, "currency": currency, "description": description, "type": kind}


def make_available(account: str, transaction: str) -> None:
    """A task: money that was pending may be paid out from now on."""
    row = state.addressed(account, "balance_transaction", transaction, param="id", lock=True)
    row.data["status"] = "available"
    state.save(row)
    if row.data["net"] > 0:
        _tell_available(account)
    _use(account)


def balance(account: str) -> dict[str, Any]:
    """The balance of an account ("" is the platform) as Stripe answers it, by currency."""
    known = currencies(account) or [_default_currency(account)]
    return {
        "object": "balance",
        "available": _amounts(account, known, "available"),
        "livemode": False,
        "pending": _amounts(account, known, "pending"),
    }


def available(account: str, currency: str) -> int:
    """What an account may pay out in a currency, in minor units; below zero where it owes."""
    return _sum(account, currency, "available")


def pending(account: str, currency: str) -> int:
    """What an account will be able to pay out later in a currency, in minor units."""
    return _sum(account, currency, "pending")


def currencies(account: str) -> list[str]:
    """The currencies that an account ever had money in, by name."""
    return sorted(set(transactions(account).values_list("data__currency", flat=True)))


def transactions(account: str) -> QuerySet[SandboxObject]:
    """All balance transactions of an account."""
    return SandboxObject.objects.filter(account=account, object_type="balance_transaction")


def _use(account: str) -> None:
    """What an account does with money that has become available: refunds that waited for it go first."""
    coverage.plan(account)
    payout_schedule.plan(account)


def _tell_available(account: str) -> None:
    """Has `balance.available` told at the end of the open change, once for an account, with the balance as it is then.

    "Occurs whenever your Stripe balance has been updated (e.g., when a charge is available to be paid out) […] not sent for
    negative transactions": https://docs.stripe.com/api/events/types#event_types-balance.available.
    """
    journal.tell_last(
        f"balance.available {account}", lambda cause: events.record_available_balance(account, balance(account), cause)
    )


def _amounts(account: str, known: list[str], status: str) -> list[dict[str, Any]]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency in known
        for amount in [_sum(account, currency, status)]
    ]


def _default_currency(account: str) -> str:
    if not account:
        return PLATFORM_CURRENCY
    return str(state.referred("", "account", account, param="account").data["default_currency"])


def _sum(account: str, currency: str, status: str) -> int:
    rows = transactions(account).filter(data__currency=currency, data__status=status)
    return sum(rows.values_list("data__net", flat=True))
