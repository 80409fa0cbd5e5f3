"""Stripe's errors, as the sandbox answers them.

The texts are Stripe's where its documentation or several public reports show them; a caller branches on status, type
and code, never on a text.
"""

from typing import Any

DOC_URL = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """A refusal: nothing has changed, and the caller gets `status` and this body; `about` are objects that it carries."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        decline_code: str = "",
        about: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        fields = {"code": code, "doc_url": DOC_URL + code.replace("_", "-") if code else "", "message": message}
        fields |= {"decline_code": decline_code, "param": param, "type": type}
        self.error: dict[str, Any] = {name: value for name, value in fields.items() if value} | (about or {})

    def body(self) -> dict[str, Any]:
        """The JSON that Stripe answers: {"error": {…}}."""
        return {"error": self.error}


class ParameterRefused(StripeError):
    """A parameter is missing, unknown or malformed: found before the request is carried out, so no idempotency key keeps it."""


class KeyInUse(StripeError):
    """409: another request under the same idempotency key is in flight."""

    def __init__(self) -> None:
        super().__init__(
            "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
            "twice, and the other request is still going through). Please try again later.",
            status=409,
            type="idempotency_error",
            code="idempotency_key_in_use",
        )


class AttemptFailed(StripeError):
    """An attempt at a payment that was made and failed: the 402 that it answers, and the failed charge, stay on record."""


def invalid_api_key(key: str) -> StripeError:
    """401 for a key that is no test key of this sandbox; the key is told masked, as Stripe does."""
    shown = f"{key[:8]}{'*' * max(len(key) - 12, 0)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return StripeError(f"Invalid API Key provided: {shown}", status=401)


def no_api_key() -> StripeError:
    """401 for a request without a key."""
    return StripeError(
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
        "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        status=401,
    )


def account_invalid(key: str, account: str) -> StripeError:
    """403 for an account that is unknown, deleted, or has left the platform."""
    return StripeError(
        f"The provided key '{key[:8]}***' does not have access to account '{account}' (or that account does not exist). "
        "Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )


def unknown_route(method: str, path: str) -> StripeError:
    """404 for an address that the sandbox does not answer."""
    return StripeError(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
        status=404,
    )


# Stripe's spelling of each object in "No such …" (https://docs.stripe.com/error-codes#resource-missing, and reports).
SPOKEN_NAMES = {
    "account": "account",
    # The spelling of the objects of an account's books is unverified.
    "application_fee": "application fee",
    "balance_transaction": "balance transaction",
    "fee_refund": "fee refund",
    "capability": "capability",
    "charge": "charge",
    "customer": "customer",
    "dispute": "dispute",
    # The spelling of the next two is unverified.
    "event": "event",
    "webhook_endpoint": "webhook endpoint",
    "payment_intent": "payment_intent",
    "payment_method": "PaymentMethod",
    "payout": "payout",
    "refund": "refund",
    "review": "review",  # unverified as well
    "setup_intent": "setupintent",
}


def resource_missing(object_type: str, stripe_id: str, param: str, *, status: int) -> StripeError:
    """404 where the address names what does not exist, 400 where a parameter does (status [reported])."""
    return StripeError(f"No such {SPOKEN_NAMES[object_type]}: '{stripe_id}'", status=status, code="resource_missing", param=param)


def unexpected_state(message: str, intent: dict[str, Any]) -> StripeError:
    """400 for a move that the intent's status does not allow; carries the whole intent."""
    kind: str = intent["object"]
    return StripeError(message, code=f"{kind}_unexpected_state", about={kind: intent})


def not_supported(what: str, param: str = "") -> ParameterRefused:
    """400 for what Stripe knows and this sandbox does not: said plainly, not ignored; Stripe has no code for it."""
    return ParameterRefused(f"The sandbox does not support {what}.", param=param)
