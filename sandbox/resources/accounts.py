"""Connected accounts (https://docs.stripe.com/api/accounts): Express accounts of the platform."""

from typing import Any

from sandbox.api.errors import StripeError, account_invalid, not_supported
from sandbox.api.pagination import list_page
from sandbox.api.parameters import ADDRESS, METADATA, Boolean, Choice, Email, Hash, Parameter, Text, takes, takes_page, unsettable
from sandbox.api.wire import Request
from sandbox.connect import deauthorization, new_account, standing
from sandbox.models import SandboxObject
from sandbox.money import payout_schedule
from sandbox.objects import events, ids, journal, state
from sandbox.resources import account_settings

# The capabilities of https://docs.stripe.com/connect/account-capabilities that cards, Link and bank transfers need.
CAPABILITIES = (
    "bank_transfer_payments",
    "card_payments",
    "link_payments",
    "transfers",
    "us_bank_transfer_payments",
    "us_bank_account_ach_payments",
)
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
    if country not in new_account.COUNTRIES:
        raise StripeError(f"Country '{country}' is unknown.", code="country_unsupported", param="country")
    account_id = ids.new_stripe_id("account")
    row = state.insert(account="", data=new_account.fresh(account_id, country))
    _apply(row, sent)
    standing.apply(row)
    events.record_authorization(row, journal.cause())
    return row.data


def retrieve(request: Request, account: str) -> dict[str, Any]:
    """The account, for the platform or for itself."""
    return find(request, account).data


def update(request: Request, account: str) -> dict[str, Any]:
    """Changes what was sent; capabilities asked for become active at once, unless the account is disabled."""
    row = find(request, account, lock=True)
    _apply(row, request.parameters)
    standing.apply(row)
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
        data["capabilities"][capability] = "inactive"  # until `standing.apply` says more
    else:
        data["capabilities"].pop(capability, None)
