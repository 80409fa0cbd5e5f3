"""What can go wrong with refunds."""

from commercecore_payments.errors import Conflict, NotFound
from gateway.outcomes import Fault


class RefundNotFound(NotFound):
    """There is no such refund, or it is another app's: the caller cannot tell which."""

    code = "refund_not_found"
    message = "No such refund."


class NotRefundable(Conflict):
    """The payment was never made, is only held, or its order has no payment left."""

    code = "not_refundable"
    message = "The order has no completed payment that could be refunded."


class NothingLeftToRefund(Conflict):
    """All of the payment has gone back, or is on its way back."""

    code = "nothing_left_to_refund"
    message = "The payment has already been refunded in full, pending refunds included."


class RefundExceedsPayment(Conflict):
    """More was asked for than is left. `refundable_amount` tells how much is."""

    code = "refund_exceeds_payment"

    def __init__(self, *, refundable_minor: int, currency: str) -> None:
        rest = {"refundable_amount": refundable_minor, "currency": currency}
        super().__init__(f"At most {refundable_minor} {currency} can still be refunded.", extra=rest)


class RestHasChanged(Conflict):
    code = "refundable_rest_has_changed"
    message = "Something else was refunded of this payment meanwhile. Nothing was done: look at it as it is now."


class NeedsSecondPerson(Conflict):
    """What the staff refunds of one payment within a day is more than one person decides alone."""

    code = "refund_needs_second_person"
    message = "A second person on the staff has to approve this refund."

    def __init__(self, *, amount_minor: int) -> None:
        super().__init__()
        self.amount_minor = amount_minor


class RefundIsWaiting(Conflict):
    code = "refund_is_waiting"
    message = "Another refund of this payment waits for a second person. Decide that one first."


class ApprovalIsOver(Conflict):
    code = "approval_is_over"
    message = "Somebody else has decided this refund meanwhile, or nobody did for a week. Nothing was done."


class OwnRefund(Conflict):
    code = "own_refund"
    message = "Whoever asked for the refund cannot decide it: a second person has to. Nothing was done."


class NotOwnRefund(Conflict):
    code = "not_own_refund"
    message = "Only whoever asked for the refund can withdraw it. Refuse it instead. Nothing was done."


class PaymentNotRecorded(Conflict):
    code = "payment_not_recorded"
    message = "The refund's payment at Stripe is not recorded here: mend that first. Nothing was done."


class RefundRefused(Conflict):
    """Stripe refused the refund: refunded elsewhere, disputed, or otherwise not refundable there."""

    code = "refund_refused"

    def __init__(self, fault: Fault, *, stripe_request_id: str) -> None:
        super().__init__(fault.message, extra={"stripe_code": fault.code, "stripe_request_id": stripe_request_id})
