"""What is done with refunds, one module a use case."""

from refunds.operations.read import find_refund, refresh_refund
from refunds.operations.request import RefundRequest, find_payment, find_payment_of_order, request_refund
from refunds.operations.settle import REFUND, settle_refund

__all__ = [
    "REFUND",
    "RefundRequest",
    "find_payment",
    "find_payment_of_order",
    "find_refund",
    "refresh_refund",
    "request_refund",
    "settle_refund",
]
