"""The test bank accounts (https://docs.stripe.com/payments/ach-direct-debit#testing-ach), as one literal table.

`pm_usBankAccount_…` is the ready payment method of an account in the United States; it counts as verified, so that a debit
begins at once [reported].
"""

from dataclasses import dataclass

from sandbox.money.bank_answers import Decline, Dispute

ROUTING_NUMBER = "110000000"


@dataclass(frozen=True)
class BankAccount:
    """One test account and everything that makes its debits end as they do."""

    number: str
    # How Stripe itself refuses the payment, before any bank hears of it.
    refusal: Decline | None = None
    # How the bank sends the debit back, days later.
    failure: Decline | None = None
    # False for the account whose debits stay in `processing` for good.
    is_decided: bool = True
    # False for the account that only microdeposits could verify, which the sandbox does not send.
    is_verified: bool = True
    # "For non-card payments … this field will have the value `not_assessed`": the SDK on an outcome.
    risk_level: str = "not_assessed"
    dispute: Dispute | None = None

    @property
    def last4(self) -> str:
        """The end of the number, all that Stripe shows of it."""
        return self.number[-4:]


# Codes and texts of https://docs.stripe.com/error-codes; that a debit's charge and intent carry these is [reported].
_CLOSED = Decline("account_closed", "The customer's bank account has been closed.")
_NO_ACCOUNT = Decline("no_account", "The customer's bank account could not be located.")
_FUNDS = Decline("insufficient_funds", "The customer's account has insufficient funds to cover this payment.")
_NOT_AUTHORIZED = Decline("debit_not_authorized", "The customer has notified their bank that this payment was unauthorized.")
# The documentation says "fails due to invalid currency" without a code: this one is the nearest of the SDK's, unverified.
_CURRENCY = Decline("payment_method_currency_mismatch", "The bank was unable to process this payment because of its currency.")
# The code is that of the account of SEPA debits that does the same (https://docs.stripe.com/payments/sepa-debit); that it
# comes at once, as an answer to the confirmation, is [reported], the text is unverified.
_LIMIT = Decline(
    "charge_exceeds_source_limit",
    "This payment would exceed the weekly payment volume limit of the bank account.",
    sent_to_network=False,
)
# "Blocked by Radar": that the answer is the one of a blocked card is unverified.
_BLOCKED = Decline("card_declined", "Your payment was declined.", "fraudulent", sent_to_network=False)

BANK_ACCOUNTS: dict[str, BankAccount] = {
    "pm_usBankAccount_success": BankAccount("000123456789"),
    # Sent back by the bank.
    "pm_usBankAccount_accountClosed": BankAccount("000111111113", failure=_CLOSED),
    "pm_usBankAccount_noAccount": BankAccount("000111111116", failure=_NO_ACCOUNT),
    "pm_usBankAccount_insufficientFunds": BankAccount("000222222227", failure=_FUNDS),
    "pm_usBankAccount_debitNotAuthorized": BankAccount("000333333335", failure=_NOT_AUTHORIZED),
    "pm_usBankAccount_invalidCurrency": BankAccount("000444444440", failure=_CURRENCY),
    # Refused by Stripe.
    "pm_usBankAccount_weeklyLimitExceeded": BankAccount("000777777771", refusal=_LIMIT),
    "pm_usBankAccount_riskLevelHighest": BankAccount("000000004954", refusal=_BLOCKED, risk_level="highest"),
    "pm_usBankAccount_failMicrodeposits": BankAccount("000666666661", is_verified=False),
    # "Stays in processing indefinitely. Useful for testing PaymentIntent cancellation."
    "pm_usBankAccount_processing": BankAccount("000000000009", is_decided=False),
    # Disputed after it succeeds. The reason is one of the SDK's for bank debits, for this account unverified. "All ACH Direct
    # Debit disputes are final and there is no process for appeal."
    "pm_usBankAccount_dispute": BankAccount("000555555559", dispute=Dispute("debit_not_authorized", "", final=True)),
}
