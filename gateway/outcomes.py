"""What came of a call to Stripe: one of five outcomes, told by the class and status of the SDK's error alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests.exceptions
import stripe
import urllib3.exceptions

from gateway.models import Status
from gateway.snapshots import Snapshot

# What is raised before a connection stands: by our own transport, and by `requests`, with which the sandbox tells its faults.
NEVER_CONNECTED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    ConnectionRefusedError,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Stripe's error, or the lack of an answer. Texts are empty where Stripe gave none."""

    message: str
    http_status: int | None = None
    type: str = ""
    code: str = ""
    decline_code: str = ""
    param: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`value` is the object that Stripe answered with, or that its error carried; None where there was none."""

    status: Status
    value: Snapshot | None = None
    fault: Fault | None = None
    stripe_request_id: str = ""

    @property
    def succeeded(self) -> bool:
        return self.status == Status.SUCCEEDED


def status_of_error(error: stripe.StripeError, *, was_sent_before: bool) -> Status:
    """Which outcome an SDK error stands for. Whatever is not recognised is unknown.

    At a second sending neither a rejection nor a refused connection says anything about the first.
    """
    status = _status_at_first_sending(error)
    if was_sent_before and status in (Status.REJECTED, Status.NOT_SENT):
        return Status.UNKNOWN
    return status


def _status_at_first_sending(error: stripe.StripeError) -> Status:
    if isinstance(error, stripe.CardError):
        return Status.DECLINED
    if isinstance(error, stripe.APIConnectionError):
        return Status.NOT_SENT if was_refused(error) else Status.UNKNOWN
    if isinstance(error, stripe.IdempotencyError | stripe.RateLimitError):
        # 429 comes before the idempotency layer, and a mismatch means that the key was used before: same key, wait.
        return Status.UNKNOWN
    if isinstance(error, stripe.InvalidRequestError | stripe.AuthenticationError | stripe.PermissionError):
        return Status.REJECTED
    return Status.UNKNOWN


def was_refused(error: BaseException) -> bool:
    """Whether the connection was never made (refused, unresolved, or timed out while connecting): no byte left."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, NEVER_CONNECTED):
            return True
        reason = seen.args[0] if seen.args else None
        inner = getattr(reason, "reason", None)  # requests wraps urllib3's MaxRetryError, which wraps the cause
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ or seen.__context__
    return False


def fault_of(error: stripe.StripeError) -> Fault:
    """The SDK's error as plain texts. `code` and `decline_code` stand on `error.error` for most classes."""
    details: Any = error.error
    return Fault(
        message=error.user_message or str(error),
        http_status=error.http_status,
        type=getattr(details, "type", None) or type(error).__name__,
        code=error.code or getattr(details, "code", None) or "",
        decline_code=getattr(details, "decline_code", None) or "",
        param=getattr(details, "param", None) or "",
    )


def object_in_error(error: stripe.StripeError, name: str) -> Mapping[str, Any] | None:
    """The object that Stripe puts into some errors, such as `payment_intent` into a decline."""
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    details = body.get("error")
    found = details.get(name) if isinstance(details, Mapping) else None
    return found if isinstance(found, Mapping) else None
