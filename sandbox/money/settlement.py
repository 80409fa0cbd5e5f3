"""What a captured charge brings: its balance transaction, Stripe's own fee, and the platform's application fee."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.models import SandboxObject
from sandbox.money import disputes, instruments, ledger, payout_schedule
from sandbox.objects import state
from sandbox.resources import application_fees
from sandbox.timeline import clock, schedule

CHARGE_SETTLES = "charge_settles"
# Stripe's fee for a card: 2.9 % and a fixed part, https://stripe.com/pricing (United States, cards).
FEE_PER_MILLE = 29
# The fixed part in minor units. Other currencies than usd: the fixed parts of Stripe's price lists in their countries, from
# memory and unverified; one price for all cards is the sandbox's simplification. A currency without a row has none.
FIXED_FEES = {
    "usd": 30, "aud": 30, "brl": 39, "cad": 30, "chf": 30, "czk": 650, "dkk": 180, "eur": 25, "gbp": 20, "hkd": 235,
    "huf": 8500, "mxn": 300, "myr": 100, "nok": 200, "nzd": 30, "pln": 100, "ron": 100, "sek": 180, "sgd": 50,
}  # fmt: skip
# Stripe's fee for a bank debit: "0.8 %, $5.00 cap", https://stripe.com/pricing/local-payment-methods (ACH Direct Debit).
BANK_DEBIT_FEE_PER_MILLE, BANK_DEBIT_FEE_CAP = 8, 500


def settle_later(charge: SandboxObject) -> None:
    """Notes that a charge settles by itself, which is seen from the next request on.

    So it is for `automatic_async` (https://docs.stripe.com/payments/payment-intents/asynchronous-capture).
    """
    schedule.at(clock.now(), CHARGE_SETTLES, charge)


def settle_due(account: str, charge: str) -> None:
    """A task: a charge that was captured asynchronously settles."""
    settle(state.addressed(account, "charge", charge, param="id", lock=True))


def settle(charge: SandboxObject) -> None:
    """Books a captured charge whose row is locked; one that has settled before stays as it is."""
    if charge.data["balance_transaction"]:
        return
    data = charge.data
    # "The amount of the application fee collected will be capped at the total amount captured": the SDK on a capture.
    fee = min(data["application_fee_amount"] or 0, data["amount_captured"])
    booked = ledger.book(
        account=charge.account,
        # Of anything but a card "payment": https://docs.stripe.com/reports/balance-transaction-types.
        type="charge" if instruments.is_card(charge) else "payment",
        amount=data["amount_captured"],
        currency=data["currency"],
        source=charge.stripe_id,
        reporting_category="charge",
        description=data["description"] or "",
        available_on=_available_on(charge),
        fees=_fees(charge, fee),
    )
    data["balance_transaction"] = booked.stripe_id
    if fee:
        data["application_fee"] = application_fees.collect(charge, fee, _available_on(charge)).stripe_id
    state.save(charge)
    disputes.expect(charge)


def stripe_fee(amount: int, currency: str) -> int:
    """Stripe's fee for a card's charge, both in minor units; half a unit is rounded up (that it is at Stripe is unverified)."""
    return (amount * FEE_PER_MILLE + 500) // 1000 + FIXED_FEES.get(currency, 0)


def bank_debit_fee(amount: int) -> int:
    """Stripe's fee for a bank debit, both in cents, rounded as a card's is."""
    return min((amount * BANK_DEBIT_FEE_PER_MILLE + 500) // 1000, BANK_DEBIT_FEE_CAP)


def _fees(charge: SandboxObject, application_fee: int) -> list[dict[str, Any]]:
    currency, captured = charge.data["currency"], charge.data["amount_captured"]
    amount = stripe_fee(captured, currency) if instruments.is_card(charge) else bank_debit_fee(captured)
    fees = [ledger.fee_detail("stripe_fee", amount, currency, description="Stripe processing fees")] if amount else []
    if application_fee:
        taken_by = charge.data["application"]
        description = f"{taken_by} application fee"
        fees.append(
            ledger.fee_detail("application_fee", application_fee, currency, application=taken_by, description=description)
        )
    return fees


def _available_on(charge: SandboxObject) -> datetime:
    now = clock.now()
    # The days of a bank debit were those before it succeeded: "4 business days to arrive in your account".
    if not instruments.is_card(charge) or instruments.card_of(charge).bypasses_pending:
        return now
    return datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=payout_schedule.DELAY_DAYS)
