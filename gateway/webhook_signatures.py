"""Whether a body was signed by Stripe, by the secret of one of our two webhook endpoints there."""

import re
from collections.abc import Sequence

import stripe
from django.core.exceptions import ImproperlyConfigured

from commercecore_payments.clock import now

# Seconds that a signature's time may lie before or after ours: Stripe's own tolerance (docs.stripe.com/webhooks#replay-attacks).
# Its library refuses old ones alone.
TOLERANCE_S = 300
# `whsec_` and what Stripe puts behind it, which is longer: an empty or cut one would let anybody sign.
SECRET = re.compile(r"\Awhsec_\S{16,}\Z")
_SECONDS = re.compile(r"\A[0-9]{1,12}\Z")


class NotSignedByStripe(Exception):
    """The signature is missing, malformed, wrong, or of another time."""


def read_secrets(setting: str, text: str) -> list[str]:
    """The secrets of a comma-separated list. Raises ImproperlyConfigured for a blank or a shortened one, and repeats none."""
    secrets = [entry.strip() for entry in text.split(",")]
    if not all(SECRET.match(secret) for secret in secrets):
        raise ImproperlyConfigured(f"{setting} is a comma-separated list of secrets as Stripe gives them: whsec_…, none blank.")
    return secrets


def signed_by(body: bytes, header: str, secrets: Sequence[str]) -> bool:
    """Whether one of `secrets` signed exactly this body. The signature's age is judged by `refuse_other_times`."""
    for secret in secrets:
        try:
            if stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None):
                return True
        except (stripe.SignatureVerificationError, ValueError):  # a ValueError where the body is no text
            continue
    return False


def refuse_other_times(header: str) -> None:
    """Raises NotSignedByStripe where the header's time is more than TOLERANCE_S before or after now.

    A header with several times is refused: the library could judge the signature by another one than this. So is one with
    letters outside ASCII, which it cannot compare.
    """
    items = [item.partition("=") for item in header.split(",")]
    times = [value for name, _, value in items if name.strip() == "t"]
    if not header.isascii() or len(times) != 1 or not _SECONDS.match(times[0]):
        raise NotSignedByStripe("The signature is malformed.")
    if abs(now().timestamp() - int(times[0])) > TOLERANCE_S:
        raise NotSignedByStripe("The signature is of another time.")
