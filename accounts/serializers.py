"""What comes in for connected accounts, and what goes out."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.models import ConnectedAccount, Onboarding
from accounts.operations import LoginLink
from commercecore_payments.clock import now
from commercecore_payments.metadata import callers_metadata
from commercecore_payments.serializers import IdentifierField, StrictSerializer
from gateway.snapshots import AccountSnapshot


class EmailField(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        # Letters outside ASCII may become more when they are lowered, and look like others.
        if not isinstance(data, str) or not data.isascii():
            self.fail("invalid")
        return super().to_internal_value(data).lower()


class CreateAccountRequest(StrictSerializer):
    email = EmailField(max_length=254)  # the longest address that SMTP carries: RFC 5321, section 4.5.3.1


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
    return {"message": message, "status": account.onboarding.value, "requirements": account.requirements}


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
    }


def login_link(link: LoginLink) -> dict[str, Any]:
    return {
        "message": f"Login link created successfully it works once and expires in {link.expires_in_s} seconds",
        "login_url": link.url,
        "token": link.token,
        "expires_in": link.expires_in_s,
    }
