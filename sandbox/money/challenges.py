"""The 3-D Secure challenge of an intent: how it is asked for, and what remains of it."""

import secrets
from typing import Any

from django.urls import reverse

from sandbox.models import SandboxObject
from sandbox.money.cards import Authentication, Card
from sandbox.objects import ids
from sandbox.resources.links import address

TOKEN_LENGTH = 24  # letters of 62: 142 bits, not to be guessed


def is_needed(intent: SandboxObject, card: Card, *, off_session: bool = False, is_set_up: bool = False) -> bool:
    """Whether the card's bank asks the buyer; `is_set_up` is about the card, `off_session` means that nobody is there.

    Whether Stripe asks for a card that can be asked where the intent wants it, and nobody is there, is unverified.
    """
    when = card.authentication
    if when == Authentication.ON_REQUEST:
        return _is_requested(intent)
    if off_session and (when == Authentication.ON_SESSION or (when == Authentication.UNLESS_SET_UP and is_set_up)):
        return False
    return when != Authentication.NEVER


def begin(intent: SandboxObject, *, return_url: str, for_browser_library: bool) -> None:
    """Asks the buyer to authenticate: the intent waits in `requires_action` for its challenge page.

    With a return_url the caller sends the buyer's browser there itself (`redirect_to_url`); without one Stripe's
    browser library would open it (`use_stripe_sdk`), and the page's address stands in the same field, `stripe_js`.
    """
    token = ids.random_letters(TOKEN_LENGTH)
    url = address(reverse("sandbox:challenge", args=[intent.stripe_id, token]))
    intent.hidden["challenge"] = {"token": token, "return_url": return_url}
    intent.data["status"] = "requires_action"
    intent.data["next_action"] = (
        _for_browser_library(url) if for_browser_library or not return_url else _redirect(url, return_url)
    )


def matches(intent: SandboxObject, token: str) -> bool:
    """Whether the token is that of the intent's latest challenge page."""
    return secrets.compare_digest(intent.hidden.get("challenge", {}).get("token", ""), token) and token != ""


def return_url(intent: SandboxObject) -> str:
    """Where the buyer goes after the challenge; "" when nobody said."""
    return str(intent.hidden.get("challenge", {}).get("return_url", ""))


def _is_requested(intent: SandboxObject) -> bool:
    wish = intent.data["payment_method_options"].get("card", {}).get("request_three_d_secure")
    return wish in ("any", "challenge")


def _redirect(url: str, back: str) -> dict[str, Any]:
    return {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": back}}


def _for_browser_library(url: str) -> dict[str, Any]:
    source = f"src_1{ids.random_letters(23)}"  # the shape of Stripe's sources; the sandbox keeps none
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url, "source": source},
    }
