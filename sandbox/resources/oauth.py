"""The one address of Connect's OAuth (https://docs.stripe.com/connect/oauth-reference) that the sandbox answers."""

from typing import Any

from sandbox.api.errors import StripeError
from sandbox.api.parameters import Text, required, takes
from sandbox.api.wire import Request
from sandbox.connect import deauthorization

DEAUTHORIZE = takes(client_id=required(Text()), stripe_user_id=required(Text()))


class OAuthError(StripeError):
    """A refusal in the shape of RFC 6749, section 5.2: a code and a description instead of an error object."""

    def __init__(self, code: str, message: str, *, status: int) -> None:
        super().__init__(message, status=status, code=code)

    def body(self) -> dict[str, Any]:
        """The JSON that Stripe answers: {"error": code, "error_description": …}."""
        return {"error": self.error["code"], "error_description": self.error["message"]}


def deauthorize(request: Request) -> dict[str, Any]:
    """Lets an account leave the platform. Raises a 401 (invalid_client [reported]) for one that is not connected.

    The sandbox has one platform, so that any client_id is its own.
    """
    account = request.parameters["stripe_user_id"]
    try:
        deauthorization.deauthorize(account)
    except deauthorization.NotConnected as unknown:
        message = f"This application is not connected to stripe account {account}, or that account does not exist."
        raise OAuthError("invalid_client", message, status=401) from unknown
    return {"stripe_user_id": account}
