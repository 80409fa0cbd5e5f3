"""A dispute as it is when it is opened (https://docs.stripe.com/api/disputes/object)."""

from typing import Any

from sandbox.models import SandboxObject
from sandbox.money.bank_answers import Dispute
from sandbox.objects import ids
from sandbox.timeline import clock

# The SDK's fields of evidence that are texts or ids of files; the sandbox keeps no files, so an id may be any.
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


def content(charge: SandboxObject, disputed: Dispute, amount: int) -> dict[str, Any]:
    """A new dispute or inquiry about this amount of a charge, in minor units; it has moved no money yet."""
    return {
        "id": ids.new_stripe_id("dispute"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge.stripe_id,
        "created": clock.now_seconds(),
        "currency": charge.data["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(EVIDENCE) | {"appeal": None, "enhanced_evidence": {}},
        "evidence_details": _no_evidence(),
        "is_charge_refundable": True,  # until the bank takes the money
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.data["payment_intent"],
        "payment_method_details": _details(charge, disputed),
        "reason": disputed.reason,
        "status": "warning_needs_response" if disputed.inquiry else "needs_response",
    }


def _no_evidence() -> dict[str, Any]:
    return {
        "due_by": None,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }


def _details(charge: SandboxObject, disputed: Dispute) -> dict[str, Any] | None:
    """What the dispute says of its card; of a bank debit the SDK has nothing to say."""
    card = charge.data["payment_method_details"].get("card")
    if card is None:
        return None
    return {
        "card": {
            "brand": card["brand"],
            "case_type": "inquiry" if disputed.inquiry else "chargeback",
            "network": card["network"],
            "network_reason_code": disputed.network_reason_code,
        },
        "type": "card",
    }
