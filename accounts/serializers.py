"""What comes in for connected accounts, and what goes out."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import ConnectedAccount, Onboarding, Status
from accounts.operations import LoginLink
from accounts.readiness import readiness_facts
from commercecore_payments.clock import now
from commercecore_payments.metadata import callers_metadata
from commercecore_payments.pages import Page
from commercecore_payments.queries import STARTING_AFTER, ListQuery
from commercecore_payments.serializers import IdentifierField, OneOfField, StrictSerializer
from gateway.snapshots import AccountSnapshot, BalanceSnapshot


class EmailField(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        # Letters outside ASCII may become more when they are lowered, and look like others.
        if not isinstance(data, str) or not data.isascii():
            self.fail("invalid")
        return super().to_internal_value(data).lower()


class CreateAccountRequest(StrictSerializer):
    # The longest address that SMTP carries: RFC 5321, section 4.5.3.1.
    email = EmailField(max_length=254, help_text="The seller's. One account for each, whatever the case of its letters.")


class ListAccountsQuery(ListQuery):
    """Without a status those that Stripe holds: active ones, and those that are being deleted."""

    starting_after = IdentifierField("acct", required=False, help_text=STARTING_AFTER)
    status = OneOfField([Status.ACTIVE, Status.DELETING, Status.DELETED], required=False, help_text="Those that are so now.")
    email = EmailField(required=False, help_text="Those with this address, whatever the case of its letters.")


class AccountRequest(StrictSerializer):
    account_id = IdentifierField("acct", help_text="The seller.")


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


def account_list(page: Page[ConnectedAccount]) -> dict[str, Any]:
    return {"connected_accounts": [_listed(account) for account in page.rows], "has_more": page.has_more}


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
