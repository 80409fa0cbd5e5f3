"""What can go wrong with saved payment methods."""

from commercecore_payments.errors import BadRequest, NotFound, PaymentRequired
from gateway.outcomes import Fault


class PaymentMethodDeclined(PaymentRequired):
    """The card's bank refused to have it saved."""

    code = "card_declined"

    def __init__(self, fault: Fault) -> None:
        reasons = {"stripe_code": fault.code, "decline_code": fault.decline_code}
        super().__init__(fault.message or "Your card was declined.", extra=reasons)


class PaymentMethodRefused(BadRequest):
    """Stripe does not take this payment method.

    Its reason stands in the Operation alone: it would tell whether the payment method is somebody else's, and whose.
    """

    code = "payment_method_refused"
    message = "This payment method cannot be saved: it is unknown, was used before, or is not this user's."

    def __init__(self, fault: Fault, *, stripe_request_id: str) -> None:
        extra = {"stripe_request_id": stripe_request_id}
        super().__init__(fields={"payment_method_id": [self.message]}, extra=extra)


class PaymentMethodNotFound(NotFound):
    """The user has no such saved payment method, or no longer: the caller cannot tell which."""

    code = "payment_method_not_found"
    message = "No such payment method."
