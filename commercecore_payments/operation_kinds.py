"""The table of operation kinds: how each comes to its end. It stands above the apps, so that the gateway imports none."""

from collections.abc import Mapping

from accounts import deletion
from accounts import operations as accounts
from gateway.endings import Ending
from gateway.models import Kind
from paymentmethods import operations as paymentmethods
from refunds import operations as refunds
from transactions.operations import settle as transactions

ENDINGS: Mapping[str, Ending] = {
    Kind.ACCOUNT_CREATE: accounts.CREATION,
    Kind.ACCOUNT_DELETE: deletion.DELETION,
    Kind.CUSTOMER_CREATE: paymentmethods.CUSTOMER,
    Kind.SETUP_INTENT_CREATE: paymentmethods.SETUP,
    Kind.PAYMENT_METHOD_DETACH: paymentmethods.DETACHMENT,
    **transactions.ENDINGS,  # create, update, confirm, capture and cancel a payment intent; clone a payment method
    Kind.REFUND_CREATE: refunds.REFUND,
}
