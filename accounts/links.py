"""Our onboarding link: signed, good for 18 hours, and opening a fresh link of Stripe's each time.

Stripe's own account link lives for 300 seconds and opens once, which no email survives.
"""

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from accounts.errors import OnboardingLinkDead
from accounts.models import ConnectedAccount

SALT = "accounts.onboarding-link"


def onboarding_url(account: ConnectedAccount) -> str:
    """The address to send the seller to. A secret of the seller's: whoever has it can continue the onboarding."""
    return settings.PUBLIC_BASE_URL + reverse("onboarding", args=[_token(account)])


def onboarding_done_url(account: ConnectedAccount) -> str:
    """Where Stripe sends the seller back to."""
    return settings.PUBLIC_BASE_URL + reverse("onboarding-done", args=[_token(account)])


def account_of_link(token: str) -> ConnectedAccount:
    """The account whose present link carries `token`.

    Raises OnboardingLinkDead where the link is forged, expired, replaced, or its account is gone.
    """
    try:
        identity, nonce = _signer().unsign(token).split(".", 1)
    except (BadSignature, ValueError):
        raise OnboardingLinkDead from None
    account = ConnectedAccount.objects.active().filter(pk=identity, onboarding_link_nonce=nonce).first()
    if account is None or not account.onboarding_link_is_alive():
        raise OnboardingLinkDead
    return account


def _token(account: ConnectedAccount) -> str:
    return _signer().sign(f"{account.pk}.{account.onboarding_link_nonce}")


def _signer() -> Signer:
    """Its signature keeps a copy of the database from being a list of working links. The keys before are believed too."""
    return Signer(key=settings.LINK_SIGNING_KEY, fallback_keys=settings.LINK_SIGNING_KEY_FALLBACKS, salt=SALT)
