"""What can go wrong with saved payment methods."""

from commercecore_payments.errors import BadRequest, PaymentRequired
from gateway.outcomes import Fault


class PaymentMethodDeclined(PaymentRequired):
    """The card's bank refused to have it saved."""

    code = "card_declined"

    def __init__(self, fault: Fault) -> None:
        reasons = {"stripe_code": fault.code, "decline_code": fault.decline_code}
        super().__init__(fault.message or "Your card was declined.", extra=reasons)


class PaymentMethodRefused(BadRequest):
    """Stripe does not take this payment method: unknown, used before, or detached."""

    code = "payment_method_refused"

    def __init__(self, fault: Fault, *, stripe_request_id: str) -> None:
        extra = {"stripe_code": fault.code, "stripe_param": fault.param, "stripe_request_id": stripe_request_id}
        super().__init__(fault.message, fields={"payment_method_id": [fault.message]}, extra=extra)
