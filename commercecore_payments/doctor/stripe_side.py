"""Whether Stripe is reached with the right key, and tells us what happens there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, TypeVar

from django.conf import settings

from commercecore_payments.clock import now
from commercecore_payments.doctor.verdicts import Verdict, fail, ok, warn
from commercecore_payments.errors import ServiceError
from gateway.client import API_VERSION
from gateway.errors import StripeConfigurationRefused, StripeUnreachable
from gateway.listing import ASKED_ONCE, pages
from gateway.reads import ask
from gateway.webhook_signatures import TOLERANCE_S
from sandbox.webhooks import own_door
from stripe_events.handlers import HANDLERS

DOOR = "/webhooks/stripe"
# Seconds by which clocks may differ before it is told: a machine that asks a time server is within one, and signatures are taken
# within TOLERANCE_S.
TOLERATED_SKEW_S = 30
CLOCK_CURE = "Have the machine's clock set by a time server, as by chrony or systemd-timesyncd."
KEY_CURE = "Set STRIPE_SECRET_KEY to the secret key of your Stripe account: Developers, API keys, in Stripe's dashboard."
REACH_CURE = "See that this machine reaches api.stripe.com over https, and what status.stripe.com says."


Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Stripe:
    """What Stripe was asked for all checks together: each question once, and a failure is remembered too."""

    @property
    def balance(self) -> tuple[Mapping[str, Any], str, datetime]:
        """The platform's balance, which every key may read; the answer's `Date`; and when it came.

        Raises as `gateway.reads.ask`.
        """
        return _answered(self._balance)

    @property
    def endpoints(self) -> Sequence[Mapping[str, Any]]:
        """The platform's webhook endpoints. Raises as `gateway.reads.ask`."""
        return _answered(self._endpoints)

    @cached_property
    def _balance(self) -> tuple[Mapping[str, Any], str, datetime] | ServiceError:
        try:
            answer = ask(lambda client: client.raw_request("get", "/v1/balance"))
        except ServiceError as error:
            return error
        return answer.data, answer.headers.get("Date", ""), now()

    @cached_property
    def _endpoints(self) -> Sequence[Mapping[str, Any]] | ServiceError:
        if isinstance(self._balance, StripeUnreachable):
            return self._balance  # the same would be waited for once more
        try:
            return [one for page in pages("/v1/webhook_endpoints", waits_s=ASKED_ONCE) for one in page]
        except ServiceError as error:
            return error


def _answered(answer: Answer | ServiceError) -> Answer:
    if isinstance(answer, ServiceError):
        raise answer
    return answer


def secret_key(stripe: Stripe) -> Verdict:
    """Whether Stripe takes the secret key, and it is of the mode that the service runs in."""
    try:
        balance, _, _ = stripe.balance
    except StripeConfigurationRefused as error:
        return fail(f"Stripe refuses the secret key: {error.fault.message}", KEY_CURE)
    except ServiceError as error:
        return fail(error.message, REACH_CURE)
    is_live = settings.STRIPE_ENVIRONMENT == "live"
    if bool(balance.get("livemode")) != is_live:
        return fail(f"Stripe answers in {'test' if is_live else 'live'} mode, and the service runs otherwise.", KEY_CURE)
    return ok("The sandbox answers." if settings.STRIPE_SANDBOX else f"Stripe takes the {settings.STRIPE_ENVIRONMENT} key.")


def stripes_clock(stripe: Stripe) -> Verdict:
    """How far our clock is from Stripe's."""
    try:
        _, date, came_at = stripe.balance
    except ServiceError:
        return fail("Stripe could not be asked.", REACH_CURE)
    if settings.STRIPE_SANDBOX:
        return ok("The sandbox signs by this machine's clock.")
    if not date:
        return warn("Stripe's answer carries no Date.", "See what stands between this machine and Stripe and takes it out.")
    return judged_skew((came_at - parsedate_to_datetime(date).astimezone(UTC)).total_seconds(), "Stripe's")


def judged_skew(skew_s: float, whose: str) -> Verdict:
    """`skew_s` in seconds, positive where ours is ahead."""
    by = f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} {whose}" if round(skew_s) else f"at one with {whose}"
    told = f"Our clock is {by}."
    if abs(skew_s) > TOLERANCE_S:
        return fail(told, CLOCK_CURE)
    return warn(told, CLOCK_CURE) if abs(skew_s) > TOLERATED_SKEW_S else ok(told)


def platform_endpoint(stripe: Stripe) -> Verdict:
    """Whether Stripe tells of the platform's own objects."""
    needed = {name for name, meaning in HANDLERS.items() if meaning.of_the_platform}
    return _endpoint(stripe, needed, connect=False)


def connect_endpoint(stripe: Stripe) -> Verdict:
    """Whether Stripe tells of connected accounts."""
    return _endpoint(stripe, set(HANDLERS), connect=True)


def _endpoint(stripe: Stripe, needed: set[str], *, connect: bool) -> Verdict:
    address = own_door.URL if settings.STRIPE_SANDBOX else settings.PUBLIC_BASE_URL.rstrip("/") + DOOR
    scope = "connected accounts" if connect else "your account"
    cure = f"Make one for events on {scope} with the address {address}: docs/stripe-events.md."
    try:
        of_scope = [one for one in stripe.endpoints if bool(one.get("application")) == connect]
    except ServiceError as error:
        return fail(f"Stripe's list of endpoints could not be read: {error.message}", REACH_CURE)
    ours = [one for one in of_scope if one["url"].rstrip("/") == address]
    if not ours:
        others = f"; there is one for {of_scope[0]['url']}" if of_scope else ""
        return fail(f"Stripe has no endpoint for events on {scope} at {address}{others}.", cure)
    enabled = [one for one in ours if one["status"] == "enabled"]
    if not enabled:
        return fail(f"The endpoint {ours[0]['id']} is disabled.", "Enable it in Stripe's dashboard: Developers, Webhooks.")
    return _judged_events(enabled[0], needed)


def _judged_events(endpoint: Mapping[str, Any], needed: set[str]) -> Verdict:
    told = set(endpoint["enabled_events"])
    missing = sorted(needed - told) if "*" not in told else []
    if missing:
        return fail(
            f"The endpoint {endpoint['id']} does not tell of {', '.join(missing)}.", "Select these events for it at Stripe."
        )
    if endpoint["api_version"] not in (None, API_VERSION):
        return warn(
            f"The endpoint {endpoint['id']} tells in version {endpoint['api_version']}, and the service reads {API_VERSION}.",
            f"Make it anew with the version {API_VERSION}; until then each object is read once more from Stripe.",
        )
    return ok(f"{endpoint['id']} is enabled, with all events that matter here.")
