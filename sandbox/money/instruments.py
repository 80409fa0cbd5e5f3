"""What stands behind a payment method or a charge: a test card, or a test bank account."""

from sandbox.models import SandboxObject
from sandbox.money.bank_accounts import BANK_ACCOUNTS, BankAccount
from sandbox.money.cards import CARDS, Card

Instrument = Card | BankAccount

# The types of payment methods that the sandbox keeps, as Stripe names them.
CARD = "card"
BANK_DEBIT = "us_bank_account"
# What a connected account must be capable of to charge one: https://docs.stripe.com/connect/account-capabilities.
CAPABILITIES = {CARD: "card_payments", BANK_DEBIT: "us_bank_account_ach_payments"}


def of_ready_name(name: str) -> Instrument | None:
    """The card or bank account of a ready payment method (`pm_card_…`, `pm_usBankAccount_…`); None for any other name."""
    return CARDS.get(name) or BANK_ACCOUNTS.get(name)


def is_card(row: SandboxObject) -> bool:
    """Whether a payment method or a charge is of a card; else it is of a bank account."""
    return "card" in row.hidden


def card_of(row: SandboxObject) -> Card:
    """How the card behind a payment method or a charge behaves. Raises KeyError where there `is_card` says no."""
    return CARDS[row.hidden["card"]]


def behaviour_of(row: SandboxObject) -> Instrument:
    """How the card or bank account behind a payment method or a charge behaves."""
    if is_card(row):
        return card_of(row)
    return BANK_ACCOUNTS[row.hidden["bank_account"]]


def hidden_name(name: str) -> dict[str, str]:
    """What a payment method keeps hidden of its ready name, and its charges after it; `behaviour_of` reads it."""
    return {"card": name} if name in CARDS else {"bank_account": name}


def ready_name(row: SandboxObject) -> str:
    """The ready payment method that a payment method or a charge began as."""
    return str(row.hidden["card" if is_card(row) else "bank_account"])
