"""What the benchmarks' Stripe answers: a payment intent of the size and shape that a real one has before its confirmation.

It stands apart from whoever sends it, so that the server beside the service need not load the service.
"""

import json
import secrets

_ID = "pi_replaced"
_TEMPLATE = json.dumps(
    {
        "id": _ID,
        "object": "payment_intent",
        "amount": 1000,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": "ca_00000000000000000000000000000000",
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "never", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{_ID}_secret_000000000000000000000000",
        "confirmation_method": "automatic",
        "created": 1_735_689_600,
        "currency": "usd",
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {"commercecore_operation": "op_000000000000000000000000", "commercecore_order": "order"},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"installments": None, "mandate_options": None, "network": None}},
        "payment_method_types": ["card", "link"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
)


def answered_payment_intent() -> str:
    """The body of Stripe's answer, under an id that nobody has had."""
    return _TEMPLATE.replace(_ID, f"pi_{secrets.token_hex(12)}")
