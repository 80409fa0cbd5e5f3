"""What the Express dashboard shows of an account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import instruments, ledger
from sandbox.money.currencies import spoken

RECENT = 20  # payments on the page


@dataclass(frozen=True)
class Balance:
    """What an account has in a currency, and what of it is still pending ("" for nothing)."""

    currency: str
    amount: str
    pending: str


@dataclass(frozen=True)
class Payment:
    created_at: datetime
    payment_intent: str
    method: str
    status: str
    tone: str
    amount: str
    refunded: str


@dataclass(frozen=True)
class Dashboard:
    account_id: str
    name: str
    email: str
    country: str
    bank_account: str
    charges_enabled: bool
    payouts_enabled: bool
    balances: list[Balance]
    payments: list[Payment]


def read_dashboard(account: SandboxObject) -> Dashboard:
    """The account, its balance by currency, and its latest payments."""
    data = account.data
    banks = data["external_accounts"]["data"]
    charges = SandboxObject.objects.filter(account=account.stripe_id, object_type="charge").order_by("-id")
    return Dashboard(
        account_id=account.stripe_id,
        name=data["business_profile"]["name"] or data["email"] or account.stripe_id,
        email=data["email"] or "",
        country=data["country"],
        bank_account=f"{banks[0]['bank_name']} •••• {banks[0]['last4']}" if banks else "",
        charges_enabled=data["charges_enabled"],
        payouts_enabled=data["payouts_enabled"],
        balances=_balances(account.stripe_id),
        payments=[_payment(row) for row in charges[:RECENT]],
    )


def method_name(row: SandboxObject) -> str:
    """A payment method, or that of a charge, as people know it: `Visa •••• 4242`, `STRIPE TEST BANK •••• 6789`."""
    details = row.data.get("payment_method_details", row.data)
    method = details[details["type"]]
    name = method["brand"].capitalize() if instruments.is_card(row) else method["bank_name"]
    return f"{name} •••• {method['last4']}"


def _balances(account: str) -> list[Balance]:
    return [_balance(account, currency) for currency in ledger.currencies(account)]


def _balance(account: str, currency: str) -> Balance:
    pending = ledger.pending(account, currency)
    total = ledger.available(account, currency) + pending
    return Balance(currency.upper(), spoken(total, currency), spoken(pending, currency) if pending else "")


def _payment(row: SandboxObject) -> Payment:
    charge = row.data
    status, tone = _status(charge)
    return Payment(
        created_at=row.created_at,
        payment_intent=row.payment_intent,
        method=method_name(row),
        status=status,
        tone=tone,
        amount=f"{spoken(charge['amount'], charge['currency'])} {charge['currency'].upper()}",
        refunded=spoken(charge["amount_refunded"], charge["currency"]) if charge["amount_refunded"] else "",
    )


def _status(charge: dict[str, Any]) -> tuple[str, str]:
    if charge["status"] == "failed":
        return "failed", "bad"
    if charge["status"] == "pending":
        return "processing", "waiting"
    if not charge["captured"]:
        return ("canceled", "bad") if charge["refunded"] else ("held", "waiting")
    return ("refunded", "waiting") if charge["refunded"] else ("succeeded", "good")
