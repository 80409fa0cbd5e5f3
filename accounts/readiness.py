"""Whether a seller can take payments and be paid out, and what stands in the way: in words, with who has to act and until when.

It is told by what Stripe last said of the account (docs.stripe.com/connect/handling-api-verification): `charges_enabled`,
`payouts_enabled`, `capabilities` and `requirements`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from accounts.models import ConnectedAccount, Status
from accounts.requirements_in_words import in_words

CARDS = "card_payments"  # the capability by which cards are charged (docs.stripe.com/connect/account-capabilities)


class WhoActs(StrEnum):
    """Who has to act before a blocker is gone."""

    SELLER = "seller"
    PLATFORM = "platform"
    STRIPE = "stripe"


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that stands in the way, or will from `deadline` on. `code` is for programs, `text` for people."""

    code: str
    text: str
    who_acts: WhoActs
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a seller can do now, and what stands in the way of it."""

    can_charge: bool
    can_be_paid_out: bool
    blockers: Sequence[Blocker]

    @property
    def is_ready(self) -> bool:
        return self.can_charge and self.can_be_paid_out


# By requirements.disabled_reason (docs.stripe.com/api/accounts/object#account_object-requirements-disabled_reason).
DISABLED_REASONS: Mapping[str, tuple[str, WhoActs]] = {
    "action_required.requested_capabilities": ("The platform has to request capabilities for the account.", WhoActs.PLATFORM),
    "listed": ("Stripe looks into whether the owner is on a list of prohibited persons or companies.", WhoActs.STRIPE),
    "other": ("Stripe reviews the account, and gives no reason.", WhoActs.STRIPE),
    "platform_paused": ("The platform has paused the account.", WhoActs.PLATFORM),
    "rejected.fraud": ("Stripe rejected the account for suspected fraud.", WhoActs.STRIPE),
    "rejected.incomplete_verification": ("Stripe rejected the account: it could not be verified in time.", WhoActs.STRIPE),
    "rejected.listed": (
        "Stripe rejected the account: its owner is on a list of prohibited persons or companies.",
        WhoActs.STRIPE,
    ),
    "rejected.other": ("Stripe rejected the account, and gives no reason.", WhoActs.STRIPE),
    "rejected.platform_fraud": ("The platform rejected the account for suspected fraud.", WhoActs.PLATFORM),
    "rejected.platform_other": ("The platform rejected the account.", WhoActs.PLATFORM),
    "rejected.platform_terms_of_service": ("The platform rejected the account for breaking its terms.", WhoActs.PLATFORM),
    "rejected.terms_of_service": ("Stripe rejected the account for breaking its terms.", WhoActs.STRIPE),
    "requirements.past_due": ("The seller owes Stripe what is past due.", WhoActs.SELLER),
    "requirements.pending_verification": ("Stripe verifies what the seller sent.", WhoActs.STRIPE),
    "under_review": ("Stripe reviews the account.", WhoActs.STRIPE),
}
# Reasons that say no more than what is listed beside them.
_TOLD_BY: Mapping[str, str] = {
    "requirements.past_due": "past_due",
    "requirements.pending_verification": "pending_verification",
}
# Of an account that is none at Stripe, or not for long.
_STANDINGS: Mapping[str, Blocker] = {
    Status.CREATING: Blocker("account_creating", "The account is being made.", WhoActs.PLATFORM),
    Status.DELETING: Blocker("account_deleting", "The account is being deleted.", WhoActs.PLATFORM),
    Status.FAILED: Blocker("account_not_created", "Stripe refused to make the account.", WhoActs.PLATFORM),
    Status.DELETED: Blocker("account_deleted", "The account is deleted.", WhoActs.PLATFORM),
}


def readiness_of(account: ConnectedAccount) -> Readiness:
    """What the account can do, and every blocker: those that stand in the way now first, then those that will."""
    standing = _STANDINGS.get(account.status)
    if standing is not None:
        return Readiness(can_charge=False, can_be_paid_out=False, blockers=[standing])
    cards = account.capabilities.get(CARDS, "active" if not account.capabilities else "unrequested")
    can_charge = account.charges_enabled and cards == "active"
    blockers = list(_blockers(account, cards))
    if not blockers and not (can_charge and account.payouts_enabled):
        blockers = [Blocker("unknown", "Stripe has disabled the account, and gives no reason yet.", WhoActs.STRIPE)]
    return Readiness(can_charge=can_charge, can_be_paid_out=account.payouts_enabled, blockers=blockers)


def _blockers(account: ConnectedAccount, cards: str) -> Iterator[Blocker]:
    if not account.details_submitted:
        yield Blocker("onboarding_incomplete", "The seller has not finished the onboarding.", WhoActs.SELLER)
        return  # what is due is all that the onboarding asks for
    requirements = account.requirements
    reason = str(requirements.get("disabled_reason") or "")
    told_below = _TOLD_BY.get(reason, "")
    if reason and not requirements.get(told_below):
        yield _disabled(reason)
    elif account.charges_enabled and cards != "active":
        yield _cards(cards)
    problems = {one["requirement"]: one["reason"] for one in requirements.get("errors") or [] if one.get("requirement")}
    past_due = requirements.get("past_due") or []
    yield from _owed(past_due, "past_due", problems, None)
    later = [name for name in requirements.get("currently_due") or [] if name not in past_due]
    yield from _owed(later, "due", problems, _moment(requirements.get("current_deadline")))
    for words, names in in_words(requirements.get("pending_verification") or []).items():
        yield Blocker(f"pending_verification.{names[0]}", f"Stripe verifies {words}.", WhoActs.STRIPE)


def _disabled(reason: str) -> Blocker:
    """One that is new at Stripe is told as it came."""
    spoken = reason.replace("_", " ").replace(".", ": ")
    text, who_acts = DISABLED_REASONS.get(reason, (f"Stripe has disabled the account: {spoken}.", WhoActs.STRIPE))
    return Blocker(reason, text, who_acts)


def _cards(status: str) -> Blocker:
    if status == "unrequested":
        return Blocker("card_payments.unrequested", "The platform has to request that cards can be charged.", WhoActs.PLATFORM)
    return Blocker(f"card_payments.{status}", "Stripe has not allowed yet that cards are charged.", WhoActs.STRIPE)


def _owed(names: Sequence[str], code: str, problems: Mapping[str, str], deadline: datetime | None) -> Iterator[Blocker]:
    """What the seller has to send, each with what Stripe found wrong with what was sent before."""
    for words, alike in in_words(names).items():
        wrong = next((problems[name] for name in alike if name in problems), "")
        text = f"The seller has to give Stripe {words}{f': {wrong}' if wrong else '.'}"
        yield Blocker(f"{code}.{alike[0]}", text, WhoActs.SELLER, deadline)


def _moment(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def readiness_facts(account: ConnectedAccount) -> dict[str, Any]:
    """The readiness as the API tells it."""
    found = readiness_of(account)
    blockers = [
        {
            "code": one.code,
            "text": one.text,
            "actor": one.who_acts.value,
            "deadline": one.deadline.isoformat().replace("+00:00", "Z") if one.deadline is not None else None,
        }
        for one in found.blockers
    ]
    return {"can_charge": found.can_charge, "can_be_paid_out": found.can_be_paid_out, "blockers": blockers}
