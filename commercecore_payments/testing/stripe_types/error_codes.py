"""The codes of an error's body.

The SDK types `code` of an error as plain text. It enumerates the codes in one place, the error that a payment intent
keeps (`last_payment_error`), and there stands only what may happen to a payment. A request that is refused before any
payment is attempted can answer other codes too; Stripe's changelog documents those, and each is written down here with
its page. They belong to the body of an error alone: the error that an intent keeps is judged by the SDK's own list.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class DocumentedCode:
    """A code, the API version that brought it, and the page of Stripe's that says so."""

    code: str
    since: str
    source: str


DOCUMENTED_CODES = (
    DocumentedCode(
        "payment_method_types_no_longer_supported",
        since="2026-09-30.endive",
        source="https://docs.stripe.com/changelog/endive/2026-09-30/"
        "removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents",
    ),
)


def codes_of_error_bodies(enumerated: list[str], api_version: str) -> list[str]:
    """The codes that the SDK enumerates, and those that Stripe's changelog documents up to a version of its API."""
    documented = [one.code for one in DOCUMENTED_CODES if one.since <= api_version]  # versions begin with their date
    return sorted({*enumerated, *documented})
