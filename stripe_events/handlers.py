"""The table of Stripe's events: what each type means here. A type that is not in it changes nothing of ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accounts import webhooks as accounts
from disputes import webhooks as disputes
from gateway.events import ReceivedEvent
from paymentmethods import webhooks as paymentmethods
from payouts import webhooks as payouts
from refunds import webhooks as refunds
from transactions import webhooks as transactions


@dataclass(frozen=True, slots=True)
class Meaning:
    """How a type is applied: both functions return a sentence on what came of it.

    `apply` reads the object again, and raises NotYet where its turn has not come. `without_asking`, where a type has it, asks
    Stripe nothing, and returns None where it would have to. `of_the_platform`: the platform's own objects have records here too,
    and not those of connected accounts alone. `of_deleted_accounts`: it is applied to an account that is deleted here as well.
    """

    apply: Callable[[ReceivedEvent], str]
    without_asking: Callable[[ReceivedEvent], str | None] | None = None
    of_the_platform: bool = False
    of_deleted_accounts: bool = False


_PAYMENT_INTENT = Meaning(transactions.payment_intent_changed, transactions.payment_intent_known)
_REFUND = Meaning(refunds.refund_changed, refunds.refund_known)
_ACCOUNT = Meaning(accounts.account_changed)
_DISPUTE = Meaning(disputes.dispute_changed)
_PAYMENT_METHOD = Meaning(paymentmethods.payment_method_changed, of_the_platform=True)
_PAYOUT = Meaning(payouts.payout_changed)

HANDLERS: Mapping[str, Meaning] = {
    "account.application.deauthorized": Meaning(accounts.account_left, of_deleted_accounts=True),
    "account.updated": _ACCOUNT,
    "capability.updated": _ACCOUNT,
    "charge.dispute.closed": _DISPUTE,
    "charge.dispute.created": _DISPUTE,
    "charge.dispute.funds_reinstated": _DISPUTE,
    "charge.dispute.funds_withdrawn": _DISPUTE,
    "charge.dispute.updated": _DISPUTE,
    "charge.expired": Meaning(transactions.hold_lapsed),
    "charge.refunded": Meaning(refunds.charge_refunded),
    "payment_intent.amount_capturable_updated": _PAYMENT_INTENT,
    "payment_intent.canceled": _PAYMENT_INTENT,
    "payment_intent.created": _PAYMENT_INTENT,
    "payment_intent.partially_funded": _PAYMENT_INTENT,
    "payment_intent.payment_failed": _PAYMENT_INTENT,
    "payment_intent.processing": _PAYMENT_INTENT,
    "payment_intent.requires_action": _PAYMENT_INTENT,
    "payment_intent.succeeded": _PAYMENT_INTENT,
    "payment_method.attached": _PAYMENT_METHOD,
    "payment_method.automatically_updated": _PAYMENT_METHOD,
    "payment_method.detached": _PAYMENT_METHOD,
    "payment_method.updated": _PAYMENT_METHOD,
    "payout.canceled": _PAYOUT,
    "payout.created": _PAYOUT,
    "payout.failed": _PAYOUT,
    "payout.paid": _PAYOUT,
    "payout.reconciliation_completed": _PAYOUT,
    "payout.updated": _PAYOUT,
    "refund.created": _REFUND,
    "refund.failed": _REFUND,
    "refund.updated": _REFUND,
}
