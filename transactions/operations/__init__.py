"""What is done with transactions, one module a use case."""

from transactions.operations.confirm import confirm_transaction
from transactions.operations.create import PaymentRequest, create_transaction
from transactions.operations.read import find_transaction, refresh_transaction

__all__ = ["PaymentRequest", "confirm_transaction", "create_transaction", "find_transaction", "refresh_transaction"]
