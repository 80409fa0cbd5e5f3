"""What the gateway tells a caller when Stripe did not do what was asked."""

from typing import ClassVar

from commercecore_payments.errors import BadRequest, Conflict, KeyAfterwards, ServiceError, Unavailable
from gateway.outcomes import Fault

# Stripe answers most calls within two seconds; a caller who asks again sooner finds the same call still under way.
IN_PROGRESS_RETRY_AFTER_S = 2


class StripeRejected(BadRequest):
    """Stripe refused the request, for good and with nothing done. `fault` is what it said."""

    code = "stripe_rejected"

    def __init__(self, fault: Fault, *, stripe_request_id: str = "", message: str | None = None) -> None:
        extra = {"stripe_code": fault.code, "stripe_param": fault.param, "stripe_request_id": stripe_request_id}
        super().__init__(message or fault.message, extra=extra)
        self.fault = fault
        self.stripe_request_id = stripe_request_id


class StripeConfigurationRefused(ServiceError):
    """Stripe refused our key or our access to the account: the operator's to mend, not the caller's."""

    status: ClassVar[int] = 502
    code = "stripe_refused_access"
    message = "Stripe refused this service's access. Its operator has to check the Stripe key and the connected account."

    def __init__(self, fault: Fault, *, stripe_request_id: str = "") -> None:
        super().__init__(extra={"stripe_code": fault.code, "stripe_request_id": stripe_request_id})
        self.fault = fault


class StripeUnreachable(Unavailable):
    """Nothing was sent: the same request may safely be made again."""

    code = "stripe_unreachable"
    message = "Stripe could not be reached. Nothing was sent; please try again."


class OutcomeUnknown(Unavailable):
    """It may or may not have happened. The operation stays open, and with it everything that it has reserved."""

    code = "outcome_unknown"
    message = (
        "The outcome of this request is not known yet. It stays open until it is; do not treat it as failed. "
        "Sending the very same request again continues it."
    )

    def __init__(self, operation_id: str) -> None:
        super().__init__(extra={"operation_id": operation_id})
        self.operation_id = operation_id


class OperationInProgress(Conflict):
    """Another request about the same thing is under way right now."""

    code = "operation_in_progress"
    message = "Another request about this is still being processed. Please try again in a moment."
    key_afterwards = KeyAfterwards.FREE

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(IN_PROGRESS_RETRY_AFTER_S)})
