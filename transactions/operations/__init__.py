"""What is done with transactions, one module a use case."""

from transactions.operations.cancel import cancel_payment, cancel_transaction
from transactions.operations.capture import capture_payment, capture_transaction, preview_capture
from transactions.operations.confirm import ConfirmationRequest, confirm_transaction
from transactions.operations.create import PaymentRequest, create_transaction
from transactions.operations.lists import list_transactions
from transactions.operations.read import (
    find_transaction,
    foreseen,
    open_operations,
    read_transaction,
    refresh_transaction,
    refresh_unfinished,
)

__all__ = [
    "ConfirmationRequest",
    "PaymentRequest",
    "cancel_payment",
    "cancel_transaction",
    "capture_payment",
    "capture_transaction",
    "confirm_transaction",
    "create_transaction",
    "find_transaction",
    "foreseen",
    "list_transactions",
    "open_operations",
    "preview_capture",
    "read_transaction",
    "refresh_transaction",
    "refresh_unfinished",
]
