"""The connected accounts, as the API's description shows them."""

from accounts import serializers
from accounts.errors import AccountExists, AccountInUse, AccountNotFound, LoginLinkRefused
from accounts.models import Onboarding, Status
from accounts.readiness import WhoActs
from commercecore_payments.errors import MethodNotAllowed
from commercecore_payments.openapi.operations import OF_STRIPE, OF_STRIPE_READ, AppSchema, Described, Errors, Link
from commercecore_payments.openapi.shapes import (
    address,
    closed,
    const,
    count,
    currency,
    flag,
    identifier,
    integer,
    iso_moment,
    list_of,
    map_of,
    moment,
    nullable,
    one_of,
    ref,
    text,
)
from transactions.errors import TooManyUnfinished

ACCOUNT_ID = identifier("acct", "The connected account's id, which is Stripe's.")
CAPABILITIES = map_of(text(), "Stripe's capabilities, such as `card_payments`, and the status of each.")
CREATED = moment("When Stripe made it.")
READINESS = {
    "can_charge": flag("Whether buyers can pay it with cards now."),
    "can_be_paid_out": flag("Whether Stripe pays out its money now."),
    "blockers": list_of(ref("Blocker"), "What stands in the way now, and then what will."),
}
REQUIREMENTS = {
    name: nullable(list_of(text())) for name in ("currently_due", "eventually_due", "past_due", "pending_verification")
}

COMPONENTS = {
    "Blocker": closed(
        {
            "code": text("For programs, such as `past_due.external_account`."),
            "text": text("For people."),
            "actor": one_of(list(WhoActs), "Who has to act."),
            "deadline": nullable(iso_moment("From when on it stands in the way; null where it does now, or may for ever.")),
        },
        description="One thing that stands in the way of an account, or will.",
    ),
    "Requirements": closed(
        {
            **REQUIREMENTS,
            "current_deadline": nullable(moment("Until when the seller has to send what is currently due.")),
            "disabled_reason": nullable(text("Why Stripe has disabled the account.")),
        },
        optional=(*REQUIREMENTS, "current_deadline", "disabled_reason"),
        description="What Stripe asks of the seller, in Stripe's words (docs.stripe.com/api/accounts/object).",
    ),
    "CreatedAccount": closed(
        {"account_id": ACCOUNT_ID, "public_key": text("The platform's publishable key, for the buyer's page."), "message": text()}
    ),
    "OnboardingState": closed(
        {
            "message": text(),
            "status": one_of(Onboarding.values, "How far the onboarding has come."),
            "requirements": ref("Requirements"),
        }
    ),
    "LoginLink": closed(
        {
            "message": text(),
            "login_url": address("Opens the seller's dashboard, once."),
            "token": text("The last part of the address."),
            "expires_in": integer("Seconds.", minimum=1),
        }
    ),
    "ListedAccount": closed(
        {
            "account_id": ACCOUNT_ID,
            "email": text(),
            "status": one_of(Status.values),
            "onboarding": one_of(Onboarding.values),
            "country": text("Two letters; empty where Stripe has not told it."),
            "default_currency": text("Three letters in lower case; empty where Stripe has not told it."),
            "created": nullable(CREATED),
            **READINESS,
        },
        description="An account as it was last seen.",
    ),
    "AccountList": closed({"connected_accounts": list_of(ref("ListedAccount")), "has_more": flag("Whether more follow.")}),
    "Account": closed(
        {
            "account_id": ACCOUNT_ID,
            "metadata": map_of(text()),
            "email": text(),
            "capabilities": CAPABILITIES,
            "created": CREATED,
            **READINESS,
        },
        description="An account as Stripe has it now.",
    ),
    "CurrencyAmount": closed(
        {"amount": integer("In minor units; negative where more was taken than given.", format="int64"), "currency": currency()}
    ),
    "Balance": closed(
        {
            "account_id": ACCOUNT_ID,
            "available": list_of(ref("CurrencyAmount"), "What can be paid out now."),
            "pending": list_of(ref("CurrencyAmount"), "What is on its way."),
            "instant_available": list_of(ref("CurrencyAmount"), "What can be paid out at once, where the account may."),
        },
        optional=("instant_available",),
    ),
    "DeletedAccount": closed({"account_id": ACCOUNT_ID, "deleted": const(True)}),
    "AccountEventData": closed(
        {
            "sequence": count("The event's number among those of the app, without a gap."),
            "account_id": ACCOUNT_ID,
            "version": count("Counts the account's changes."),
            "deleted": flag(),
            "email": text(),
            "country": text(),
            "default_currency": text(),
            "onboarding": one_of(Onboarding.values),
            "charges_enabled": flag(),
            "payouts_enabled": flag(),
            "details_submitted": flag(),
            "capabilities": CAPABILITIES,
            "requirements": ref("Requirements"),
            "created": nullable(CREATED),
        }
    ),
}

# Of whatever is asked of one account.
OF_ACCOUNT: Errors = (AccountNotFound, AccountInUse)
# `login` and `onboarding` are no ids, but addresses of their own, which take other methods.
OF_OTHER_NAMES = (MethodNotAllowed,)

_ID = {"id": "/data/account_id"}
_NAMED = {"account_id": "/data/account_id"}

OPERATIONS = {
    "POST /connected-accounts": Described(
        summary="Create a connected account",
        description="Opens an account for a seller at Stripe, and gives the link to its onboarding. An email has one account.",
        body=serializers.CreateAccountRequest,
        status=201,
        data=ref("CreatedAccount"),
        links=("onboarding_url",),
        errors=(*OF_STRIPE, AccountExists),
        leads_to={
            "onboard": Link("POST /connected-accounts/onboarding", body=_NAMED),
            "read": Link("GET /connected-accounts/{id}", path=_ID),
            "readBalance": Link("GET /connected-accounts/{id}/balance", path=_ID),
            "delete": Link("DELETE /connected-accounts/{id}", path=_ID),
        },
    ),
    "GET /connected-accounts": Described(
        summary="List connected accounts",
        description="The developer's accounts as they were last seen, newest first, and whether each can be paid.",
        query=serializers.ListAccountsQuery,
        data=ref("AccountList"),
        is_paged=True,
    ),
    "POST /connected-accounts/onboarding": Described(
        summary="Continue the onboarding",
        description="Says how far the onboarding has come, and gives a link to the rest of it. The link before ends.",
        body=serializers.AccountRequest,
        status=201,
        data=ref("OnboardingState"),
        links=("onboarding_url",),
        errors=(*OF_STRIPE_READ, *OF_ACCOUNT),
    ),
    "POST /connected-accounts/login": Described(
        summary="Create a login link",
        description="Makes a one-time link to the seller's dashboard at Stripe. It is kept nowhere.",
        body=serializers.AccountRequest,
        status=201,
        data=ref("LoginLink"),
        links=("login_url",),
        errors=(*OF_STRIPE_READ, *OF_ACCOUNT, LoginLinkRefused),
    ),
    "GET /connected-accounts/{id}": Described(
        summary="Retrieve a connected account",
        description="Reads the account from Stripe, with what stands in its way.",
        data=ref("Account"),
        errors=(*OF_STRIPE_READ, *OF_ACCOUNT, *OF_OTHER_NAMES),
    ),
    "GET /connected-accounts/{id}/balance": Described(
        summary="Read an account's balance",
        description="Its money at Stripe now, by currency, in minor units.",
        data=ref("Balance"),
        errors=(*OF_STRIPE_READ, *OF_ACCOUNT),
    ),
    "DELETE /connected-accounts/{id}": Described(
        summary="Delete a connected account",
        description="Deletes it at Stripe. Its history stays, and its email is free again.",
        data=ref("DeletedAccount"),
        errors=(*OF_STRIPE, *OF_ACCOUNT, TooManyUnfinished, *OF_OTHER_NAMES),
    ),
}

SCHEMA = AppSchema(
    tag="Connected Accounts",
    description="Sellers, each an account at Stripe that buyers pay directly. A developer's token alone opens them.",
    components=COMPONENTS,
    operations=OPERATIONS,
)
