"""Payment methods as they are made: in Stripe's shape, from the ready name of a test card or a test bank account."""

import hashlib
from datetime import timedelta
from typing import Any

from sandbox.api.errors import not_supported
from sandbox.models import SandboxObject
from sandbox.money import instruments
from sandbox.money.bank_accounts import ROUTING_NUMBER, BankAccount
from sandbox.money.cards import Card
from sandbox.objects import ids, state
from sandbox.timeline import clock

# A test card is good for this long after it is made: Stripe's test cards take any future date.
EXPIRES_AFTER = timedelta(days=4 * 365)


def insert(account: str, name: str, instrument: instruments.Instrument, *, param: str = "payment_method") -> SandboxObject:
    """A new payment method of an account ("" is the platform), saved for nobody so far.

    Raises a 400 for a bank account that would have to be verified first.
    """
    if isinstance(instrument, BankAccount):
        if not instrument.is_verified:
            raise not_supported("the verification of bank accounts by microdeposits", param)
        fields = {"type": instruments.BANK_DEBIT, instruments.BANK_DEBIT: _bank_account_fields(instrument)}
    else:
        fields = {"type": instruments.CARD, instruments.CARD: _card_fields(instrument)}
    return state.insert(account=account, data=_common() | fields, hidden=dict(instruments.hidden_name(name)))


def _common() -> dict[str, Any]:
    return {
        "id": ids.new_stripe_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "created": clock.now_seconds(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
    }


def _card_fields(card: Card) -> dict[str, Any]:
    expires = clock.now() + EXPIRES_AFTER
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": card.line1_check,
            "address_postal_code_check": card.postal_code_check,
            "cvc_check": card.cvc_check,
        },
        "country": card.country,
        "display_brand": {"amex": "american_express", "diners": "diners_club"}.get(card.brand, card.brand),
        "exp_month": expires.month,
        "exp_year": expires.year,
        "fingerprint": _fingerprint(f"{card.brand} {card.country} {card.last4} {card.funding}"),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": card.supports_three_d_secure},
        "wallet": None,
    }


def _bank_account_fields(bank_account: BankAccount) -> dict[str, Any]:
    """As in https://docs.stripe.com/api/payment_methods/object: a private person's checking account at Stripe's test bank."""
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": _fingerprint(bank_account.number),
        "last4": bank_account.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": ROUTING_NUMBER,
        "status_details": {},
    }


def _fingerprint(of: str) -> str:
    """The same card or account has the same fingerprint; 16 characters as in Stripe's example."""
    return hashlib.sha256(of.encode()).hexdigest()[:16]
