"""What consumers are told of disputes."""

from typing import Any

from disputes.models import Dispute
from webhooks.models import EventType
from webhooks.outbox import write_event


def write_dispute_event(event_type: EventType, dispute: Dispute) -> None:
    """Tells the app of the dispute's payment; every app of the developer where the payment has none.

    Call it last in the transaction of the change: see `webhooks.outbox.write_event`.
    """
    apps = [dispute.app] if dispute.app is not None else dispute.developer.apps.all()
    write_event(event_type, subject=dispute, data=dispute_data(dispute), apps=apps)


def dispute_data(dispute: Dispute) -> dict[str, Any]:
    """The dispute as consumers see it: `amount` in minor units, times in seconds since 1970."""
    payment = dispute.transaction
    due = dispute.evidence_due_at
    return {
        "dispute_id": dispute.stripe_dispute_id,
        "version": dispute.version,
        "account_id": dispute.account.stripe_account_id,
        "transaction_id": payment.stripe_payment_intent_id if payment is not None else None,
        "order_id": (payment.order_id or None) if payment is not None else None,
        "amount": dispute.amount_minor,
        "currency": dispute.currency,
        "reason": dispute.reason,
        "status": dispute.status,
        "evidence_due": int(due.timestamp()) if due is not None else None,
        "created": int(dispute.opened_at.timestamp()),
        "external": payment is None or payment.external,
    }
