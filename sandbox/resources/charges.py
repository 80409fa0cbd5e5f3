"""Charges (https://docs.stripe.com/api/charges): made by payment intents, read by everybody."""

from datetime import timedelta
from typing import Any

from sandbox.api.pagination import list_page
from sandbox.api.parameters import METADATA, SHIPPING, Choice, Email, Hash, Text, required, takes, takes_page, unsettable
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money.bank_answers import Decline
from sandbox.money.instruments import BANK_DEBIT, Instrument, hidden_name, is_card, ready_name
from sandbox.objects import ids, state
from sandbox.timeline import clock

RETRIEVE = takes()
UPDATE = takes(
    description=unsettable(Text()),
    fraud_details=Hash({"user_report": required(Choice(("fraudulent", "safe")))}),
    metadata=METADATA,
    receipt_email=unsettable(Email()),
    shipping=SHIPPING,
    transfer_group=Text(),
).refusing("customer")
LIST = takes_page(customer=Text(), payment_intent=Text(), transfer_group=Text())

# "Uncaptured PaymentIntents are cancelled a set number of days (7 by default) after their creation": the SDK on a capture.
# Counted here from the authorisation, which is what expires at the card's bank.
HOLD_LASTS = timedelta(days=7)
HOLD_LAPSES = "hold_lapses"


def retrieve(request: Request, charge: str) -> dict[str, Any]:
    """The charge."""
    return state.addressed(request.account, "charge", charge, param="id").data


def update(request: Request, charge: str) -> dict[str, Any]:
    """Changes what was sent of a charge: nothing of that is about money."""
    row = state.addressed(request.account, "charge", charge, param="id", lock=True)
    sent = request.parameters
    for name in ("description", "receipt_email", "shipping", "transfer_group"):
        if name in sent:
            row.data[name] = sent[name] or None
    if "fraud_details" in sent:
        row.data["fraud_details"] = sent["fraud_details"]
    if "metadata" in sent:
        row.data["metadata"] = state.merged_metadata(row.data["metadata"], sent["metadata"])
    state.save(row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """Charges, newest first, of a customer or a payment intent where one is named."""
    sent = request.parameters
    filters: dict[str, Any] = {name: sent[name] for name in ("customer", "payment_intent") if name in sent}
    if "transfer_group" in sent:
        filters["data__transfer_group"] = sent["transfer_group"]
    return list_page(request, "charge", "/v1/charges", **filters)


def insert(intent: SandboxObject, method: SandboxObject, instrument: Instrument, *, declined: Decline | None) -> SandboxObject:
    """The charge that an attempt at a payment leaves: paid, held, failed, or pending until a bank has answered.

    A pending one counts as captured already, and has no outcome yet [recorded].
    """
    of_intent = intent.data
    held = of_intent["capture_method"] == "manual"
    captured = not declined and not held
    pending = not declined and not is_card(method)
    amount = of_intent["amount"]
    copied = ("currency", "description", "receipt_email", "shipping", "statement_descriptor", "statement_descriptor_suffix")
    data = _fresh("charge" if is_card(method) else "charge_of_bank_debit") | {name: of_intent[name] for name in copied}
    data |= {
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "application": of_intent["application"],
        "application_fee_amount": of_intent["application_fee_amount"],
        "billing_details": method.data["billing_details"],
        "captured": captured,
        "customer": of_intent["customer"],
        "failure_code": declined.code if declined else None,
        "failure_message": declined.message if declined else None,
        "metadata": dict(of_intent["metadata"]),
        "outcome": None if pending else outcome(instrument.risk_level, declined),
        "paid": not declined and not pending,
        "payment_intent": of_intent["id"],
        "payment_method": method.stripe_id,
        "payment_method_details": _details(intent, method),
        "status": "failed" if declined else "pending" if pending else "succeeded",
        "transfer_group": of_intent["transfer_group"],
    }
    return state.insert(account=intent.account, data=data, hidden=hidden_name(ready_name(method)))


def _was_authenticated(intent: SandboxObject) -> bool:
    return bool(intent.hidden.get("authenticated"))


def _fresh(kind: str) -> dict[str, Any]:
    return {
        "id": ids.new_stripe_id(kind),
        "object": "charge",
        "amount_refunded": 0,
        "application_fee": None,
        # Null until the charge settles, as its application fee is.
        "balance_transaction": None,
        "calculated_statement_descriptor": None,
        "created": clock.now_seconds(),
        "disputed": False,
        "failure_balance_transaction": None,
        "fraud_details": {},
        "livemode": False,
        "on_behalf_of": None,
        "radar_options": {},
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "source_transfer": None,
        "transfer_data": None,
    }


def outcome(risk_level: str, declined: Decline | None) -> dict[str, Any]:
    """What became of a charge: approved, reviewed, or declined by the bank or by Stripe (of a bank debit unverified)."""
    found: dict[str, Any] = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": "elevated_risk_level" if risk_level == "elevated" else None,
        "risk_level": risk_level,
        "seller_message": "Payment complete.",
        "type": "manual_review" if risk_level == "elevated" else "authorized",
    }
    if declined is None:
        return found
    if not declined.sent_to_network:
        return found | _blocked(risk_level, declined)
    return found | {
        "network_decline_code": "05" if declined.decline_code == "generic_decline" else None,  # "do not honour" of ISO 8583
        "network_status": "declined_by_network",
        "reason": declined.decline_code or declined.code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _blocked(risk_level: str, declined: Decline) -> dict[str, Any]:
    too_risky = risk_level == "highest"
    return {
        "network_status": "not_sent_to_network",
        "reason": "highest_risk_level" if too_risky else declined.code,
        "seller_message": "Stripe blocked this payment as too risky." if too_risky else declined.message,
        "type": "blocked",
    }


def _details(intent: SandboxObject, method: SandboxObject) -> dict[str, Any]:
    if is_card(method):
        card = _card_details(method.data["card"], intent.data, authenticated=_was_authenticated(intent))
        return {"type": "card", "card": card}
    return {"type": BANK_DEBIT, BANK_DEBIT: _bank_details(method.data[BANK_DEBIT])}


def _bank_details(account: dict[str, Any]) -> dict[str, Any]:
    copied = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
    # The sandbox keeps no mandates as objects. The bank's reference comes with its answer.
    return {name: account[name] for name in copied} | {"mandate": None, "payment_reference": None}


def _card_details(card: dict[str, Any], intent: dict[str, Any], *, authenticated: bool) -> dict[str, Any]:
    copied = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "regulated_status")
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",  # fully authenticated, for Visa
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    details = {name: card[name] for name in copied} | {
        "amount_authorized": intent["amount"],
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "three_d_secure": secure if authenticated else None,
        "wallet": None,
    }
    if intent["capture_method"] == "manual":
        details["capture_before"] = int((clock.now() + HOLD_LASTS).timestamp())
    return details
