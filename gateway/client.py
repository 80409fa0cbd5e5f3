"""The one Stripe client: real or sandbox, with an explicit timeout and no retries of its own."""

from functools import cache

import stripe
from django.conf import settings

from gateway.models import CONNECT_TIMEOUT_S
from gateway.transport import PooledClient
from sandbox.transport.http_client import SandboxHTTPClient

# What this process's requests ask for, and what it reads.
API_VERSION = stripe.api_version
# The SDK would otherwise write an id into the home directory and send timings of our requests.
stripe.enable_telemetry = False


@cache
def stripe_client() -> stripe.StripeClient:
    """The client of this process. Retries stay at 0: the Operation alone decides what is sent again."""
    return stripe.StripeClient(settings.STRIPE_SECRET_KEY, max_network_retries=0, http_client=transport())


def transport() -> stripe.HTTPClient:
    """The wire to Stripe: this process's own sandbox, or the real network."""
    if settings.STRIPE_SANDBOX:
        return SandboxHTTPClient()
    return PooledClient(
        address=stripe.DEFAULT_API_BASE, connect_timeout_s=CONNECT_TIMEOUT_S, read_timeout_s=settings.STRIPE_TIMEOUT_S
    )
