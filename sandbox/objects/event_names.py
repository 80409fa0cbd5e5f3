"""Which events a change of an object means: Stripe's names (https://docs.stripe.com/api/events/types), by the type of the object.

A request that creates and confirms is one change: its events all show the object as the request left it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Content = dict[str, Any]
# An object before (None: it was not there) and after, and all that changed with it, by id.
Naming = Callable[[Content | None, Content, Mapping[str, Content]], list[str]]


@dataclass(frozen=True)
class _Intent:
    """The names of one kind of intent: when it is made, by what it becomes, and when an attempt left an `error`."""

    created: str
    became: Mapping[str, str]
    failed: str
    error: str


_PAYMENT = _Intent(
    created="payment_intent.created",
    became={
        "requires_action": "payment_intent.requires_action",
        "processing": "payment_intent.processing",
        "requires_capture": "payment_intent.amount_capturable_updated",
        "succeeded": "payment_intent.succeeded",
        "canceled": "payment_intent.canceled",
    },
    failed="payment_intent.payment_failed",
    error="last_payment_error",
)
_SETUP = _Intent(
    created="setup_intent.created",
    became={
        "requires_action": "setup_intent.requires_action",
        "succeeded": "setup_intent.succeeded",
        "canceled": "setup_intent.canceled",
    },
    failed="setup_intent.setup_failed",
    error="last_setup_error",
)
_CHARGE_STATUSES = {"succeeded": "charge.succeeded", "failed": "charge.failed", "pending": "charge.pending"}
_PAYOUT_STATUSES = {"paid": "payout.paid", "failed": "payout.failed", "canceled": "payout.canceled"}
_DISPUTE_ENDS = ("won", "lost", "warning_closed")


def names(before: Content | None, after: Content, beside: Mapping[str, Content]) -> list[str]:
    """The events of one changed object, in their order. Objects that Stripe tells nothing of, such as events, have none."""
    naming = NAMINGS.get(after["object"])
    return naming(before, after, beside) if naming else []


def _payment_intent(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    return _of_intent(_PAYMENT, before, after)


def _setup_intent(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    return _of_intent(_SETUP, before, after)


def _of_intent(kind: _Intent, before: Content | None, after: Content) -> list[str]:
    found = [] if before else [kind.created]
    was = before or {"status": "", "next_action": None, kind.error: None}
    moved = after["status"] != was["status"]
    asked_again = bool(after["next_action"]) and after["next_action"] != was["next_action"]
    if after["status"] in kind.became and (moved or asked_again):
        found.append(kind.became[after["status"]])
    # The next attempt may fail with the very same words: then the intent was waiting for its buyer in between.
    if after["status"] == "requires_payment_method" and after[kind.error] and (moved or after[kind.error] != was[kind.error]):
        found.append(kind.failed)
    return found


def _charge(before: Content | None, after: Content, beside: Mapping[str, Content]) -> list[str]:
    if before is None:
        return [_CHARGE_STATUSES[after["status"]]]
    if after["status"] != before["status"]:  # a bank has answered; what else it changed needs no name of its own
        return [_CHARGE_STATUSES[after["status"]]]
    if after["captured"] and not before["captured"]:
        # The rest of a hold that is captured in part counts as refunded; that no charge.refunded tells of it is unverified.
        return ["charge.captured"]
    if after["amount_refunded"] <= before["amount_refunded"]:
        return ["charge.updated"]
    intent = beside.get(after["payment_intent"] or "", {})
    # Money that was held too long expires; money that somebody released is refunded.
    refunded = "charge.expired" if intent.get("cancellation_reason") == "automatic" else "charge.refunded"
    settled = after["balance_transaction"] != before["balance_transaction"]
    return ["charge.updated", refunded] if settled else [refunded]


def _refund(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    found = ["refund.updated"] if before else ["refund.created"]
    if after["status"] == "failed" and (before or {}).get("status") != "failed":
        found.append("refund.failed")
    return found


def _dispute(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    found = [] if before else ["charge.dispute.created"]
    was = before or {"status": after["status"], "balance_transactions": []}
    for moved in after["balance_transactions"][len(was["balance_transactions"]) :]:
        found.append("charge.dispute.funds_withdrawn" if moved["amount"] < 0 else "charge.dispute.funds_reinstated")
    if after["status"] != was["status"]:
        # That an escalation, an appeal and a prevention are told as an update is unverified.
        found.append("charge.dispute.closed" if after["status"] in _DISPUTE_ENDS else "charge.dispute.updated")
    return found or ["charge.dispute.updated"]


def _review(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    if before is None:
        return ["review.opened"]
    return ["review.closed"] if before["open"] and not after["open"] else []


def _customer(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    if before is None:
        return ["customer.created"]
    return ["customer.deleted"] if after.get("deleted") else ["customer.updated"]


def _payment_method(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    owner = before["customer"] if before else None
    if after["customer"] != owner:
        return ["payment_method.attached" if after["customer"] else "payment_method.detached"]
    return ["payment_method.updated"] if before else []


def _payout(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    if before is None:
        return ["payout.created"]
    ended = after["status"] != before["status"] and after["status"] in _PAYOUT_STATUSES
    found = [_PAYOUT_STATUSES[after["status"]]] if ended else ["payout.updated"]
    if after["reconciliation_status"] == "completed" != before["reconciliation_status"]:
        found.append("payout.reconciliation_completed")
    return found


def _application_fee(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    if before is None:
        return ["application_fee.created"]
    return ["application_fee.refunded"] if after["amount_refunded"] > before["amount_refunded"] else []


def _fee_refund(before: Content | None, _: Content, __: Mapping[str, Content]) -> list[str]:
    return ["application_fee.refund.updated"] if before else []  # Stripe has no name for a new one


def _account(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    # Who made or deleted an account knows it: Stripe has no name for either.
    return ["account.updated"] if before and not after.get("deleted") else []


def _of_an_account(before: Content | None, after: Content, _: Mapping[str, Content]) -> list[str]:
    if after.get("deleted"):
        return ["account.external_account.deleted"]
    return ["account.external_account.updated"] if before else ["account.external_account.created"]


def _capability(_: Content | None, __: Content, ___: Mapping[str, Content]) -> list[str]:
    return ["capability.updated"]


NAMINGS: dict[str, Naming] = {
    "account": _account,
    "application_fee": _application_fee,
    "bank_account": _of_an_account,
    "capability": _capability,
    "charge": _charge,
    "customer": _customer,
    "dispute": _dispute,
    "fee_refund": _fee_refund,
    "payment_intent": _payment_intent,
    "payment_method": _payment_method,
    "payout": _payout,
    "refund": _refund,
    "review": _review,
    "setup_intent": _setup_intent,
}
