"""What Stripe verifies of an account: the test values that fail at the onboarding, and deadlines that pass."""

from datetime import UTC, datetime

from sandbox.connect import requirements, standing
from sandbox.connect.requirements import Problem
from sandbox.models import SandboxObject
from sandbox.objects import state
from sandbox.timeline import clock, schedule

DEADLINE_PASSES = "account_deadline_passes"
URL = "business_profile.url"
NAME = "business_profile.name"
# Test values of https://docs.stripe.com/connect/testing#business-information-verification, with the requirement and the code
# that each leads to. The field that `require_url` asks for is unverified.
_FAILING_WEBSITES = {
    "https://disallowed.stripe.com": "invalid_url_denylisted",
    "https://geoblocked.stripe.com": "invalid_url_website_inaccessible_geoblocked",
    "https://problem.stripe.com": "invalid_url_website_other",
    "https://missing.stripe.com": "invalid_url_website_incomplete",
    "https://mismatch.stripe.com": "invalid_url_website_business_information_mismatch",
    "https://passwordprotected.stripe.com": "invalid_url_website_inaccessible_password_protected",
    "https://underconstruction.stripe.com": "invalid_url_website_incomplete_under_construction",
    "https://inaccessible.stripe.com": "invalid_url_website_inaccessible",
}
_FAILING_NAMES = {
    "disallowed_dba": "invalid_business_profile_name_denylisted",
    "invalid_dba": "invalid_business_profile_name",
}
_FAILING_DESCRIPTIONS = {"require_url": "invalid_url_web_presence_detected"}
# What Stripe asks for when it cannot verify who an account belongs to: of a person a document, else the tax number.
_DOCUMENT = ("individual.verification.document", "verification_failed_keyed_identity")
_TAX_NUMBER = ("company.tax_id", "verification_failed_tax_id_match")


def problems_with(*, website: str, business_name: str, product_description: str) -> list[Problem]:
    """What Stripe cannot verify of the answers at an onboarding; nothing, unless they are test values that fail."""
    found = {
        URL: _FAILING_WEBSITES.get(website.rstrip("/")) or _FAILING_DESCRIPTIONS.get(product_description),
        NAME: _FAILING_NAMES.get(business_name),
    }
    return [_problem(requirement, code) for requirement, code in found.items() if code]


def asked_again(account: SandboxObject) -> set[str]:
    """The fields of an account's business profile that Stripe could not verify, and therefore asks for once more."""
    return {
        "product_description" if error["code"] in _FAILING_DESCRIPTIONS.values() else error["requirement"].rpartition(".")[2]
        for error in account.data["requirements"]["errors"]
        if error["requirement"] in (URL, NAME)
    }


def unverified_owner(account: SandboxObject) -> Problem:
    """That Stripe cannot verify who the account belongs to."""
    return _problem(*(_DOCUMENT if account.data["business_type"] == "individual" else _TAX_NUMBER))


def set_deadline(account: SandboxObject, deadline: datetime, problem: Problem) -> None:
    """Gives a locked account, which its caller writes, until a moment of the sandbox's time to solve a problem."""
    account.data["requirements"] = requirements.due_by(int(deadline.timestamp()), [problem])
    schedule.at(deadline, DEADLINE_PASSES, account)


def pass_deadline(_: str, account_id: str) -> None:
    """A task: what is still due is past due, and the account disabled; unless the deadline was moved or has been met."""
    account = state.find("", "account", account_id, lock=True)
    deadline = None if account is None or account.deleted else account.data["requirements"]["current_deadline"]
    if account is None or deadline is None or datetime.fromtimestamp(deadline, UTC) > clock.now():
        return
    account.data["requirements"] = requirements.after_the_deadline(account.data["requirements"])
    standing.apply(account)


def _problem(requirement: str, code: str) -> Problem:
    return Problem(requirement, code, f"{requirement} could not be verified.")  # Stripe's texts say more
