"""Django system checks: what is configured so that it must not serve real money."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def secrets_are_configured_beside_a_live_key(**_: Any) -> list[CheckMessage]:
    """Generated secrets live in one machine's state folder: a second machine, or a lost disk, has others."""
    if settings.STRIPE_ENVIRONMENT != "live" or not settings.SECRETS_ARE_GENERATED:
        return []
    names = "SECRET_KEY, TOKEN_HASH_KEY, LINK_SIGNING_KEY, ANSWER_ENCRYPTION_KEYS and WEBHOOK_SECRET_KEYS"
    message = f"{names} must be set in the environment beside a live Stripe key."
    hint = "Otherwise tokens, links and stored secrets work on one machine alone."
    return [Error(message, hint=hint, id="commercecore_payments.E001")]


@register(Tags.security, deploy=True)
def stripes_webhook_secrets_are_configured(**_: Any) -> list[CheckMessage]:
    """A warning beside a test key, with which a service may be tried before it has an address that Stripe can reach."""
    if settings.STRIPE_ENVIRONMENT == "sandbox" or not settings.STRIPE_WEBHOOK_SECRETS_ARE_GENERATED:
        return []
    message = "STRIPE_WEBHOOK_SECRETS and STRIPE_CONNECT_WEBHOOK_SECRETS must be set in the environment beside a key of Stripe's."
    hint = "They are the signing secrets of the two webhook endpoints at Stripe. Otherwise nothing that Stripe sends is accepted."
    if settings.STRIPE_ENVIRONMENT == "live":
        return [Error(message, hint=hint, id="commercecore_payments.E003")]
    return [checks.Warning(message, hint=hint, id="commercecore_payments.W001")]


@register(Tags.database, deploy=True)
def a_live_key_has_postgresql(**_: Any) -> list[CheckMessage]:
    """SQLite ignores row locks: several processes hold their rules there by its one writer alone."""
    if settings.STRIPE_ENVIRONMENT != "live" or settings.DATABASE_URL:
        return []
    message = "A live Stripe key needs PostgreSQL: set DATABASE_URL."
    return [Error(message, id="commercecore_payments.E002")]
