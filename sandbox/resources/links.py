"""One-time addresses: account links (https://docs.stripe.com/api/account_links) and login links."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from sandbox.api.errors import StripeError, account_invalid, resource_missing
from sandbox.api.parameters import Choice, Parameter, Text, WebAddress, required, takes
from sandbox.api.wire import Request
from sandbox.connect import deauthorization
from sandbox.models import SandboxLink
from sandbox.objects import ids, state
from sandbox.resources import accounts
from sandbox.timeline import clock

# `expires_at - created` of an account link, measured and documented (https://docs.stripe.com/api/account_links).
ACCOUNT_LINK_SECONDS = 300
# Stripe publishes no lifetime of a login link; the account link's stands in for it.
LOGIN_LINK_SECONDS = 300
TOKEN_LENGTH = 24  # letters of 62: 142 bits, not to be guessed

CREATE_ACCOUNT_LINK = takes(
    account=required(Text()),
    type=required(Choice(("account_onboarding", "account_update"))),
    refresh_url=Parameter(WebAddress()),
    return_url=Parameter(WebAddress()),
).refusing("collect collection_options")
CREATE_LOGIN_LINK = takes()


def create_account_link(request: Request) -> dict[str, Any]:
    """An address of the onboarding form, good for 300 seconds and one visit."""
    sent = request.parameters
    if request.account not in ("", sent["account"]):
        raise resource_missing("account", sent["account"], "account", status=400)
    account = state.referred("", "account", sent["account"], param="account")
    if deauthorization.connected(account.stripe_id) is None:
        raise account_invalid(request.key, account.stripe_id)
    _require_express_type(sent["type"])
    for name in ("refresh_url", "return_url"):
        if name not in sent:  # optional in the SDK's types, needed by every type of link that leads to a form
            raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    link = _new_link(
        SandboxLink.Kind.ONBOARDING,
        account.stripe_id,
        ACCOUNT_LINK_SECONDS,
        return_url=sent["return_url"],
        refresh_url=sent["refresh_url"],
    )
    created = int(link.created_at.timestamp())
    return {
        "object": "account_link",
        "created": created,
        "expires_at": created + ACCOUNT_LINK_SECONDS,
        "url": address(reverse("sandbox:onboarding", args=[link.account_id, link.token])),
    }


def create_login_link(request: Request, account: str) -> dict[str, Any]:
    """A one-time address of the Express dashboard. Raises a 400 for an account that is not onboarded."""
    row = accounts.find(request, account)
    if not row.data["details_submitted"]:
        raise StripeError("Cannot create a login link for an account that has not completed onboarding.")
    link = _new_link(SandboxLink.Kind.DASHBOARD, row.stripe_id, LOGIN_LINK_SECONDS)
    return {
        "object": "login_link",
        "created": int(link.created_at.timestamp()),
        "url": address(reverse("sandbox:express_dashboard", args=[link.account_id, link.token])),
    }


def address(path: str) -> str:
    """A page of the sandbox as browsers reach it."""
    return f"{settings.PUBLIC_BASE_URL}{path}"


def _require_express_type(link_type: str) -> None:
    if link_type != "account_onboarding":
        raise StripeError(
            f"You cannot create `{link_type}` type Account Links for this account. Valid types for this account are "
            '["account_onboarding"].',
            param="type",
        )


def _new_link(kind: SandboxLink.Kind, account_id: str, lifetime_s: int, **addresses: str) -> SandboxLink:
    now = clock.now()
    return SandboxLink.objects.create(
        kind=kind,
        account_id=account_id,
        token=ids.random_letters(TOKEN_LENGTH),
        created_at=now,
        expires_at=now + timedelta(seconds=lifetime_s),
        **addresses,
    )
