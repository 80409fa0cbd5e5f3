"""Ids and secrets in Stripe's shapes."""

import secrets

from commercecore_payments.identifiers import ALPHABET

# Prefix and random letters of each id, counted on ids that Stripe publishes (`pi_3MtwBwLkdIwHu7ix28a3tqPa`).
ID_SHAPES = {
    "account": ("acct_1", 15),
    "application_fee": ("fee_1", 23),
    "balance_transaction": ("txn_3", 23),
    "bank_account": ("ba_1", 23),
    "charge": ("ch_3", 23),
    # What is charged to anything but a card is a "payment" by its id [recorded].
    "charge_of_bank_debit": ("py_3", 23),
    "customer": ("cus_", 14),
    "dispute": ("du_1", 23),
    "event": ("evt_1", 23),
    "fee_refund": ("fr_1", 23),
    "payment_intent": ("pi_3", 23),
    "payment_method": ("pm_1", 23),
    "payout": ("po_1", 23),
    "refund": ("re_3", 23),
    # As `destination_payment_refund` in https://docs.stripe.com/api/transfer_reversals/object; of a bank debit unverified.
    "refund_of_bank_debit": ("pyr_3", 23),
    "review": ("prv_1", 23),
    "setup_intent": ("seti_1", 23),
    "webhook_endpoint": ("we_1", 23),
}
# The platform's application, which every object of a direct charge names; in the shape of Stripe's `ca_…`.
APPLICATION = "ca_SandboxPlatformApplication00000"
CLIENT_SECRET_LENGTH = 25  # counted on the same published examples


def random_letters(length: int) -> str:
    """`length` letters and digits from the system's secure source."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_stripe_id(object_type: str) -> str:
    """A new id in Stripe's shape for this type of object."""
    prefix, length = ID_SHAPES[object_type]
    return prefix + random_letters(length)


def new_client_secret(intent_id: str) -> str:
    """What a buyer's browser proves itself with: `<intent>_secret_<25 letters>`."""
    return f"{intent_id}_secret_{random_letters(CLIENT_SECRET_LENGTH)}"
