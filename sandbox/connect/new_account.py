"""What a connected account is when it has just been opened: an Express account of which nothing is told yet."""

from typing import Any

from sandbox.connect import requirements, standing
from sandbox.money import payout_schedule
from sandbox.timeline import clock

# What an Express account owes at first, as https://docs.stripe.com/connect/required-verification-information lists it
# for an account whose requirements Stripe collects.
FIRST_REQUIREMENTS = [
    "business_profile.mcc",
    "business_profile.url",
    "business_type",
    "external_account",
    "representative.first_name",
    "representative.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
]
# The countries in which Express accounts can be opened, with their currency: https://stripe.com/global.
COUNTRIES = {
    "AE": "aed", "AT": "eur", "AU": "aud", "BE": "eur", "BG": "eur", "BR": "brl", "CA": "cad", "CH": "chf", "CY": "eur",
    "CZ": "czk", "DE": "eur", "DK": "dkk", "EE": "eur", "ES": "eur", "FI": "eur", "FR": "eur", "GB": "gbp", "GI": "gbp",
    "GR": "eur", "HK": "hkd", "HR": "eur", "HU": "huf", "IE": "eur", "IT": "eur", "JP": "jpy", "LI": "chf", "LT": "eur",
    "LU": "eur", "LV": "eur", "MT": "eur", "MX": "mxn", "MY": "myr", "NL": "eur", "NO": "nok", "NZ": "nzd", "PL": "pln",
    "PT": "eur", "RO": "ron", "SE": "sek", "SG": "sgd", "SI": "eur", "SK": "eur", "TH": "thb", "US": "usd",
}  # fmt: skip


def fresh(account_id: str, country: str) -> dict[str, Any]:
    """An Express account that has just been opened: nothing is told of it yet, and nothing enabled."""
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": None,
            "name": None,
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        # What an Express account is in terms of https://docs.stripe.com/connect/migrate-to-controller-properties.
        "controller": {
            "fees": {"payer": "application_express"},
            "is_controller": True,
            "losses": {"payments": "application"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "express"},
            "type": "application",
        },
        "country": country,
        "created": clock.now_seconds(),
        "default_currency": COUNTRIES[country],
        "details_submitted": False,
        "email": None,
        "external_accounts": external_accounts(account_id, []),
        "future_requirements": requirements.nothing_due(),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": requirements.missing(FIRST_REQUIREMENTS) | {"disabled_reason": standing.PAST_DUE},
        "settings": _settings(),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "express",
    }


def external_accounts(account_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The list of an account's bank accounts, as it stands inside the account."""
    return {
        "object": "list",
        "data": rows,
        "has_more": False,
        "url": f"/v1/accounts/{account_id}/external_accounts",
    }


def _settings() -> dict[str, Any]:
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None},
        "payments": {
            "statement_descriptor": None,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": payout_schedule.DELAY_DAYS, "interval": "daily"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }
