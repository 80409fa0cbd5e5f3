"""What is done with payment methods, one module a use case."""

from paymentmethods.operations.customer import CUSTOMER, ensure_customer
from paymentmethods.operations.detach import DETACHMENT, detach_payment_method
from paymentmethods.operations.save import SETUP, save_payment_method
from paymentmethods.operations.saved import find_saved_method, list_payment_methods, prefer_payment_method

__all__ = [
    "CUSTOMER",
    "DETACHMENT",
    "SETUP",
    "detach_payment_method",
    "ensure_customer",
    "find_saved_method",
    "list_payment_methods",
    "prefer_payment_method",
    "save_payment_method",
]
