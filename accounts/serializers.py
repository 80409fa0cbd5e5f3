"""What comes in for connected accounts, and what goes out."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import ConnectedAccount, Onboarding, Status
from accounts.operations import LoginLink
from accounts.readiness import readiness_facts
from commercecore_payments.clock import now
from commercecore_payments.metadata import callers_metadata
from commercecore_payments.serializers import IdentifierField, OneOfField, StrictSerializer
from gateway.snapshots import AccountSnapshot, BalanceSnapshot

# As many as Stripe's own lists give at most (docs.stripe.com/api/pagination); 20 fill a page that a person looks at.
MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20


class EmailField(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        # Letters outside ASCII may become more when they are lowered, and look like others.
        if not isinstance(data, str) or not data.isascii():
            self.fail("invalid")
        return super().to_internal_value(data).lower()


class CreateAccountRequest(StrictSerializer):
    email = EmailField(max_length=254)  # the longest address that SMTP carries: RFC 5321, section 4.5.3.1


class ListAccountsRequest(StrictSerializer):
    """One page of a list: at most `limit`, from behind `starting_after` on, of one status or email where it is named."""

    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE)
    starting_after = IdentifierField("acct", required=False)
    status = OneOfField([Status.ACTIVE, Status.DELETING, Status.DELETED], required=False)
    email = EmailField(required=False)

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> dict[str, Any]:
        """What an address asks for. `app_id` tells who asks, and is not about the list."""
        asked = cls(data={name: value for name, value in query.items() if name != "app_id"})
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)


class AccountRequest(StrictSerializer):
    account_id = IdentifierField("acct")


def created_account(account: ConnectedAccount) -> dict[str, Any]:
    hours = account.onboarding_link_hours(at=now())
    return {
        "account_id": account.stripe_account_id,
        "public_key": settings.STRIPE_PUBLISHABLE_KEY,
        "message": f"Connected account created successfully {onboarding_message(hours, 'onboarding')}",
    }


def onboarding_account(account: ConnectedAccount) -> dict[str, Any]:
    hours = account.onboarding_link_hours(at=now())
    complete = account.onboarding == Onboarding.COMPLETE
    message = "Onboarding is complete" if complete else onboarding_message(hours, "Onboarding")
    return {"message": message, "status": account.onboarding.value, "requirements": account.documented_requirements}


def onboarding_message(hours: int, first_word: str) -> str:
    """The documented sentence, with the hours that the link really has left."""
    return f"{first_word} link expires in {hours} hours use the 'onboarding_url' to complete the onboarding"


def account_details(account: ConnectedAccount, snapshot: AccountSnapshot) -> dict[str, Any]:
    return {
        "account_id": snapshot.id,
        "metadata": callers_metadata(snapshot.metadata),
        "email": snapshot.email or account.email,
        "capabilities": dict(sorted(snapshot.capabilities.items())),
        "created": snapshot.created,
        **readiness_facts(account),
    }


def account_list(accounts: Sequence[ConnectedAccount], *, has_more: bool) -> dict[str, Any]:
    return {"connected_accounts": [_listed(account) for account in accounts], "has_more": has_more}


def _listed(account: ConnectedAccount) -> dict[str, Any]:
    """The account as it was last seen."""
    return {
        "account_id": account.stripe_account_id,
        "email": account.email,
        "status": account.status,
        "onboarding": account.onboarding.value,
        "country": account.country,
        "default_currency": account.default_currency,
        "created": account.stripe_created,
        **readiness_facts(account),
    }


def account_balance(account: ConnectedAccount, balance: BalanceSnapshot) -> dict[str, Any]:
    """Amounts in minor units."""
    data = {
        "account_id": account.stripe_account_id,
        "available": _amounts(balance.available),
        "pending": _amounts(balance.pending),
    }
    if balance.instant_available is not None:
        data["instant_available"] = _amounts(balance.instant_available)
    return data


def _amounts(by_currency: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"amount": amount, "currency": currency} for currency, amount in sorted(by_currency.items())]


def login_link(link: LoginLink) -> dict[str, Any]:
    return {
        "message": f"Login link created successfully it works once and expires in {link.expires_in_s} seconds",
        "login_url": link.url,
        "token": link.token,
        "expires_in": link.expires_in_s,
    }
