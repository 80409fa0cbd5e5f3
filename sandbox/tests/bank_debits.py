"""What the tests of bank debits share."""

from typing import Any

from sandbox.tests.conftest import Options, Services

BACK = "https://example.com/back"
OFFLINE = {"customer_acceptance": {"type": "offline"}}
ONLY_DEBITS = {"allowed_payment_method_types": ["us_bank_account"]}


def capable(v1: Services, account: str) -> Options:
    """The options of a call on behalf of an onboarded account, which can take bank debits from now on."""
    v1.accounts.update(account, {"capabilities": {"us_bank_account_ach_payments": {"requested": True}}})
    return {"stripe_account": account}


def confirmed(payment_method: str = "pm_usBankAccount_success", **parameters: Any) -> dict[str, Any]:
    """The parameters of a payment of 10.00 USD by a bank debit, confirmed at once; others may be given."""
    paid = {"amount": 1000, "currency": "usd", "payment_method": payment_method, "confirm": True}
    return paid | ONLY_DEBITS | {"mandate_data": OFFLINE, "return_url": BACK} | parameters


def names_of_events(v1: Services, account: Options) -> list[str]:
    """The names of the events about payments under an account, the oldest first."""
    found = v1.events.list({"limit": 100}, account).data[::-1]
    return [event.type for event in found if event.type.startswith(("charge", "payment", "setup"))]
