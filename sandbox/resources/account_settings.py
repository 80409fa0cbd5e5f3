"""What may be set of an account's `settings`: how it is paid out, and whether its balance may go below zero."""

from typing import Any

from sandbox.api.errors import not_supported
from sandbox.api.parameters import Boolean, Choice, Hash, Parameter, required
from sandbox.models import SandboxObject
from sandbox.money import coverage

_INTERVALS = ("manual", "daily", "weekly", "monthly")
_SCHEDULE = Hash({"interval": required(Choice(_INTERVALS))}).refusing(
    "delay_days monthly_anchor monthly_payout_days weekly_anchor weekly_payout_days"
)
_PAYOUTS = Hash({"debit_negative_balances": Parameter(Boolean()), "schedule": Parameter(_SCHEDULE)}).refusing(
    "statement_descriptor"
)
SETTINGS = Hash({"payouts": Parameter(_PAYOUTS)}).refusing(
    "bacs_debit_payments branding card_issuing card_payments invoices payments paypay_payments sepa_debit_payments treasury"
)


def apply(account: SandboxObject, sent: dict[str, Any]) -> None:
    """Changes the settings of an account that its caller saves. Raises a 400 for weekly and monthly payouts."""
    asked = sent.get("payouts", {})
    payouts = account.data["settings"]["payouts"]
    interval = asked.get("schedule", {}).get("interval")
    if interval in ("weekly", "monthly"):
        raise not_supported(f"{interval} payouts", "settings[payouts][schedule][interval]")
    if interval:
        payouts["schedule"]["interval"] = interval
    if "debit_negative_balances" in asked:
        payouts["debit_negative_balances"] = asked["debit_negative_balances"]
        coverage.try_again_soon(account)
