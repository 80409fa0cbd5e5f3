"""What is done with refunds, one module a use case."""

from refunds.operations.approvals import approve_refund, refund_by_staff, refuse_refund, withdraw_refund
from refunds.operations.lists import list_refunds
from refunds.operations.read import find_refund, refresh_refund
from refunds.operations.request import (
    RefundRequest,
    find_payment,
    find_payment_of_order,
    preview_refund,
    request_refund,
)
from refunds.operations.settle import REFUND, settle_refund

__all__ = [
    "REFUND",
    "RefundRequest",
    "approve_refund",
    "find_payment",
    "find_payment_of_order",
    "find_refund",
    "list_refunds",
    "preview_refund",
    "refresh_refund",
    "refund_by_staff",
    "refuse_refund",
    "request_refund",
    "settle_refund",
    "withdraw_refund",
]
