"""Completing the onboarding of a connected account, as its form does."""

import hashlib
from dataclasses import dataclass, replace

from sandbox.connect import deauthorization, new_account, requirements, standing, verification
from sandbox.models import SandboxObject
from sandbox.money import payout_schedule, payouts
from sandbox.objects import ids, journal

# The account number that pays out successfully in https://docs.stripe.com/connect/testing, and its routing number.
TEST_ACCOUNT_NUMBER = "000123456789"
TEST_ROUTING_NUMBER = "110000000"
# Computer software stores, the code of Stripe's own test examples: the form does not ask for it.
TEST_MCC = "5734"
# Which answer says what of an account's `business_profile`.
_PROFILE = {"business_name": "name", "product_description": "product_description", "website": "url"}


class UnknownAccount(Exception):
    """No account of this id is connected to the platform."""


@dataclass(frozen=True)
class OnboardingDetails:
    """What a seller tells Stripe; the defaults are test data. Without an account number the present bank account stays."""

    business_type: str = "individual"
    business_name: str = "Rocket Rides"
    first_name: str = "Jenny"
    last_name: str = "Rosen"
    website: str = "https://accessible.stripe.com"  # the address that passes every check in Stripe's test mode
    product_description: str = "Goods sold on the marketplace"
    account_number: str = TEST_ACCOUNT_NUMBER
    routing_number: str = TEST_ROUTING_NUMBER


def known_details(account: SandboxObject) -> OnboardingDetails:
    """What an account says of itself already, with test data for what it does not say and what Stripe asks for once more."""
    said, asked_again = account.data["business_profile"], verification.asked_again(account)
    known = {answer: said[field] for answer, field in _PROFILE.items() if said[field] and field not in asked_again}
    if account.data["business_type"]:
        known["business_type"] = account.data["business_type"]
    if bank := payouts.bank_account(account):
        known |= {"account_number": "", "routing_number": bank["routing_number"]}
    return replace(OnboardingDetails(), **known)


def complete_onboarding(*, account_id: str, details: OnboardingDetails | None = None) -> None:
    """Makes the account able to charge and to be paid out, its capabilities active and nothing more due.

    Without details it is told what `known_details` gives. It stays disabled where a test value fails its verification, and
    where Stripe or the platform has decided so. Raises UnknownAccount where there is no such account, or it was deleted or has
    left the platform.
    """
    with journal.change():
        row = deauthorization.connected(account_id, lock=True)
        if row is None:
            raise UnknownAccount(account_id)
        told = details or known_details(row)
        _complete(row, told)
        if told.account_number:
            # Of the account number no more is kept than what it does to payouts.
            row.hidden["payout_failure"] = payouts.FAILURES.get(told.account_number)
        standing.apply(row)
        # Money that the old bank sent back goes to the new one, though the account's payouts were enabled all along.
        payout_schedule.plan(account_id)


def _complete(row: SandboxObject, details: OnboardingDetails) -> None:
    data = row.data
    problems = verification.problems_with(
        website=details.website, business_name=details.business_name, product_description=details.product_description
    )
    data |= {
        "business_type": details.business_type,
        "details_submitted": True,
        "external_accounts": new_account.external_accounts(row.stripe_id, [_chosen_bank_account(row, details)]),
        # That Stripe disables the account until they are solved, and not only by a deadline, is unverified.
        "requirements": requirements.past_due(problems),
    }
    data["business_profile"] |= {
        "mcc": data["business_profile"]["mcc"] or TEST_MCC,
        "name": details.business_name,
        "product_description": details.product_description,
        "url": details.website,
    }
    data["settings"]["dashboard"]["display_name"] = details.business_name


def _chosen_bank_account(row: SandboxObject, details: OnboardingDetails) -> dict[str, object]:
    """The present bank account where payouts reach it, and the seller names it again or names none; else a new one."""
    present = payouts.bank_account(row)
    if present and not details.account_number:
        return present
    told = _bank_account(row, details)
    if present and all(present[name] == told[name] for name in ("fingerprint", "routing_number")):
        return present
    return told


def _bank_account(row: SandboxObject, details: OnboardingDetails) -> dict[str, object]:
    """The seller's bank account: of its number only the last four digits and a fingerprint are kept."""
    return {
        "id": ids.new_stripe_id("bank_account"),
        "object": "bank_account",
        "account": row.stripe_id,
        "account_holder_name": f"{details.first_name} {details.last_name}",
        "account_holder_type": "company" if details.business_type == "company" else "individual",
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": row.data["country"],
        "currency": row.data["default_currency"],
        "default_for_currency": True,
        "fingerprint": hashlib.sha256(details.account_number.encode()).hexdigest()[:16],
        "future_requirements": None,
        "last4": details.account_number[-4:],
        "metadata": {},
        "requirements": None,
        "routing_number": details.routing_number,
        "status": "new",
    }
