"""Bank debits (https://docs.stripe.com/payments/ach-direct-debit): days pass between asking a bank for money and its answer.

A debit is kept for the next cutoff, sent to the bank then, and decided some business days later. Until it is sent it may be
called off. The bank account of a test decides how it ends.
"""

import secrets
from datetime import datetime, time, timedelta, timezone
from typing import Any

from sandbox.api.errors import DOC_URL
from sandbox.models import SandboxObject
from sandbox.money import instruments, payments, refund_lifecycle, settlement
from sandbox.money.bank_accounts import BANK_ACCOUNTS, BankAccount
from sandbox.money.bank_answers import Decline
from sandbox.objects import state
from sandbox.resources import charges
from sandbox.timeline import clock, schedule

IS_DECIDED = "bank_debit_is_decided"
# "4 business days from payment creation", "cutoff time 21:00 US/Eastern", of the standard settlement:
# https://docs.stripe.com/payments/ach-direct-debit#timing. That a failure takes as long ("up to 4 business days to receive
# acknowledgement of success or failure") is the longest that it can be.
BUSINESS_DAYS = 4
CUTOFF = time(21)
# The sandbox knows neither summer time nor the holidays of banks: an hour and a day are nothing to a debit.
EASTERN = timezone(timedelta(hours=-5))
SATURDAY = 5
# As "091000015001234" in https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment: a bank's number, then a payment's.
REFERENCE_PREFIX, REFERENCE_DIGITS = "09100001", 7
CALLED_OFF = "The payment was canceled before it was sent to the bank."


def debit(intent: SandboxObject, method: SandboxObject) -> None:
    """Asks for the payment's money: the intent is in `processing` until the bank answers. Both rows are locked by the caller.

    Raises AttemptFailed, a 402, where Stripe itself refuses; the failed charge and the intent's new state stay.
    """
    bank_account = _behind(method)
    intent.data |= {"payment_method": method.stripe_id, "next_action": None}
    if bank_account.refusal:
        payments.decline(intent, method, bank_account, bank_account.refusal)
    made = charges.insert(intent, method, bank_account, declined=None)
    intent.data |= {"last_payment_error": None, "latest_charge": made.stripe_id, "status": "processing"}
    payments.keep_or_spend(intent, method)
    state.save(intent)
    if bank_account.is_decided:
        schedule.at(_decided_at(clock.now()), IS_DECIDED, made)


def decide(account: str, charge_id: str) -> None:
    """A task: the bank pays, or sends the debit back; one that was called off stays as it is."""
    found = state.addressed(account, "charge", charge_id, param="id")
    intent = state.addressed(account, "payment_intent", found.payment_intent, param="intent", lock=True)
    charge = state.addressed(account, "charge", charge_id, param="id", lock=True)
    if charge.data["status"] != "pending":
        return
    failure = _behind(charge).failure
    if failure:
        _fail(intent, charge, failure)
    else:
        _succeed(intent, charge)


def may_be_called_off(charge: SandboxObject) -> bool:
    """Whether a pending debit has not been sent to its bank; the one that is never decided is never sent.

    A payment in `processing` can be canceled, says https://docs.stripe.com/payments/paymentintents/lifecycle of bank debits,
    but "it might fail due to a limited and varying cancellation time window". That it ends at the cutoff is unverified.
    """
    return not _behind(charge).is_decided or clock.now() < _sent_at(charge.created_at)


def call_off(charge: SandboxObject) -> None:
    """Ends a locked, pending debit that has not been sent. That its charge counts as failed then is unverified."""
    _mark_failed(charge, failure_code=None, failure_message=CALLED_OFF)
    refund_lifecycle.charge_failed(charge)


def _succeed(intent: SandboxObject, charge: SandboxObject) -> None:
    """Books the money, which is available at once: the days that it took were those of the settlement."""
    charge.data |= {"outcome": charges.outcome(_behind(charge).risk_level, None), "paid": True, "status": "succeeded"}
    digits = "".join(secrets.choice("0123456789") for _ in range(REFERENCE_DIGITS))
    charge.data["payment_method_details"][instruments.BANK_DEBIT]["payment_reference"] = REFERENCE_PREFIX + digits
    settlement.settle(charge)
    intent.data |= {"amount_received": charge.data["amount"], "status": "succeeded"}
    state.save(intent)
    refund_lifecycle.charge_succeeded(charge)


def _fail(intent: SandboxObject, charge: SandboxObject, failure: Decline) -> None:
    """Leaves a failed charge, and the intent waiting for another payment method. Stripe's fee for it is not taken here."""
    charge.data["outcome"] = charges.outcome(_behind(charge).risk_level, failure)
    _mark_failed(charge, failure_code=failure.code, failure_message=failure.message)
    method = state.referred(charge.account, "payment_method", charge.data["payment_method"], param="payment_method")
    payments.fail(intent, _error(failure, charge, method))
    refund_lifecycle.charge_failed(charge)


def _mark_failed(charge: SandboxObject, *, failure_code: str | None, failure_message: str) -> None:
    # That nothing counts as captured any more is unverified.
    charge.data |= {
        "amount_captured": 0,
        "captured": False,
        "failure_code": failure_code,
        "failure_message": failure_message,
        "status": "failed",
    }
    state.save(charge)


def _error(failure: Decline, charge: SandboxObject, method: SandboxObject) -> dict[str, Any]:
    """The error that stays with the intent; that its type is a card's is unverified."""
    return {
        "charge": charge.stripe_id,
        "code": failure.code,
        "doc_url": DOC_URL + failure.code.replace("_", "-"),
        "message": failure.message,
        "payment_method": method.data,
        "type": "card_error",
    }


def _behind(row: SandboxObject) -> BankAccount:
    return BANK_ACCOUNTS[instruments.ready_name(row)]


def _sent_at(made_at: datetime) -> datetime:
    """The first cutoff of a business day after this moment."""
    local = made_at.astimezone(EASTERN)
    cutoff = datetime.combine(local.date(), CUTOFF, EASTERN)
    if local >= cutoff or _is_weekend(cutoff):
        cutoff = _next_business_day(cutoff)
    return cutoff


def _decided_at(made_at: datetime) -> datetime:
    moment = _sent_at(made_at)
    for _ in range(BUSINESS_DAYS):
        moment = _next_business_day(moment)
    return moment


def _next_business_day(moment: datetime) -> datetime:
    moment += timedelta(days=1)
    while _is_weekend(moment):
        moment += timedelta(days=1)
    return moment


def _is_weekend(moment: datetime) -> bool:
    return moment.weekday() >= SATURDAY
