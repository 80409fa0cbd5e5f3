"""Connected accounts (https://docs.stripe.com/api/accounts): Express accounts of the platform."""

from typing import Any

from sandbox.api.errors import StripeError, account_invalid, not_supported
from sandbox.api.pagination import list_page
from sandbox.api.parameters import ADDRESS, METADATA, Boolean, Choice, Email, Hash, Parameter, Text, takes, takes_page, unsettable
from sandbox.api.wire import Request
from sandbox.connect import deauthorization
from sandbox.models import SandboxObject
from sandbox.money import payout_schedule
from sandbox.objects import ids, state
from sandbox.resources import account_settings
from sandbox.timeline import clock

# The capabilities of https://docs.stripe.com/connect/account-capabilities that cards, Link and bank transfers need.
CAPABILITIES = (
    "bank_transfer_payments",
    "card_payments",
    "link_payments",
    "transfers",
    "us_bank_transfer_payments",
    "us_bank_account_ach_payments",
)
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

_BUSINESS_PROFILE = Hash(
    {
        "mcc": unsettable(Text()),
        "name": unsettable(Text()),
        "product_description": unsettable(Text()),
        "support_address": Parameter(ADDRESS),
        "support_email": unsettable(Text()),
        "support_phone": unsettable(Text()),
        "support_url": unsettable(Text()),
        "url": unsettable(Text()),
    }
)
_CAPABILITIES = Hash({name: Parameter(Hash({"requested": Parameter(Boolean())})) for name in CAPABILITIES})
_NOT_YET = "account_token company documents external_account groups individual tos_acceptance"

CREATE = takes(
    type=Choice(("custom", "express", "standard")),
    country=Text(),
    email=Email(),
    business_type=Choice(("company", "government_entity", "individual", "non_profit")),
    business_profile=_BUSINESS_PROFILE,
    capabilities=_CAPABILITIES,
    default_currency=Text(),
    metadata=METADATA,
    settings=account_settings.SETTINGS,
).refusing(f"controller {_NOT_YET}")
UPDATE = takes(
    email=Email(),
    business_type=Choice(("company", "government_entity", "individual", "non_profit")),
    business_profile=_BUSINESS_PROFILE,
    capabilities=_CAPABILITIES,
    default_currency=Text(),
    metadata=METADATA,
    settings=account_settings.SETTINGS,
).refusing(_NOT_YET)
RETRIEVE = takes()
DELETE = takes()
LIST = takes_page()


def create(request: Request) -> dict[str, Any]:
    """Opens an Express account that has still to be onboarded: it can neither charge nor be paid out."""
    sent = request.parameters
    if request.account:
        raise StripeError("You can only create new accounts if you've signed up for Connect.")
    if sent.get("type") != "express":
        raise not_supported("accounts other than Express", "type")
    country = sent.get("country", "US")
    if country not in COUNTRIES:
        raise StripeError(f"Country '{country}' is unknown.", code="country_unsupported", param="country")
    account_id = ids.new_stripe_id("account")
    row = state.insert(account="", data=fresh(account_id, country))
    _apply(row, sent)
    state.save(row)
    return row.data


def retrieve(request: Request, account: str) -> dict[str, Any]:
    """The account, for the platform or for itself."""
    return find(request, account).data


def update(request: Request, account: str) -> dict[str, Any]:
    """Changes what was sent; capabilities asked for on an onboarded account become active at once."""
    row = find(request, account, lock=True)
    _apply(row, request.parameters)
    state.save(row)
    if "settings" in request.parameters:
        payout_schedule.plan(account)  # what waited under a manual schedule goes with the next daily payout
    return row.data


def delete(request: Request, account: str) -> dict[str, Any]:
    """Deletes a test account: every later call for it, or on its behalf, is a 403."""
    row = find(request, account, lock=True)
    state.mark_deleted(row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """The platform's accounts, newest first, without those that have left it."""
    return list_page(request, "account", "/v1/accounts", hidden__left__isnull=True)


def find(request: Request, account: str, *, lock: bool = False) -> SandboxObject:
    """The living account that an address names.

    Raises the 403 of Stripe for an unknown one ([reported]: Stripe does not answer a 404 here), for one that has left the
    platform, and for another account's.
    """
    row = deauthorization.connected(account, lock=lock)
    if row is None or request.account not in ("", account):
        raise account_invalid(request.key, account)
    return row


def _apply(row: SandboxObject, sent: dict[str, Any]) -> None:
    data = row.data
    for name in ("email", "business_type", "default_currency"):
        if name in sent:
            data[name] = sent[name]
    for name, value in sent.get("business_profile", {}).items():
        data["business_profile"][name] = value or None
    for name, asked in sent.get("capabilities", {}).items():
        _ask_for(data, name, asked.get("requested", False))
    account_settings.apply(row, sent.get("settings", {}))
    if "metadata" in sent:
        data["metadata"] = state.merged_metadata(data["metadata"], sent["metadata"])


def _ask_for(data: dict[str, Any], capability: str, requested: bool) -> None:
    if requested:
        data["capabilities"][capability] = "active" if data["details_submitted"] else "inactive"
    else:
        data["capabilities"].pop(capability, None)


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
        "future_requirements": _requirements([], None),
        "metadata": {},
        "payouts_enabled": False,
        "requirements": _requirements(FIRST_REQUIREMENTS, "requirements.past_due"),
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


def no_requirements() -> dict[str, Any]:
    """What an account owes once it is onboarded: nothing."""
    return _requirements([], None)


def _requirements(due: list[str], disabled_reason: str | None) -> dict[str, Any]:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": disabled_reason,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due),
        "pending_verification": [],
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
            "schedule": {"delay_days": 2, "interval": "daily"},  # the default of a new account in Stripe's example
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }
