"""What the page of an account says first: whether the seller can be paid, and what stands in the way."""

from accounts.models import ConnectedAccount
from accounts.readiness import Actor, Blocker, Readiness, readiness_of
from commercecore_payments.admin.records import Briefing

# How an operator helps, by who has to act.
ADVICE = {
    Actor.SELLER: "The seller sends what is missing by a new onboarding link; what Stripe then says is seen here by itself.",
    Actor.PLATFORM: "The platform acts in Stripe's dashboard: Connect, the account.",
    Actor.STRIPE: "Nothing can be done here but wait; Stripe's dashboard says more, and its support decides.",
}
WHO = {Actor.SELLER: "The seller", Actor.PLATFORM: "The platform", Actor.STRIPE: "Stripe"}


def verdict_on(account: ConnectedAccount) -> Briefing | None:
    """None where nothing stands in the way, and of an account that is gone."""
    if account.is_deleted:
        return None
    found = readiness_of(account)
    if not found.blockers:
        return None
    facts = [(f"{WHO[one.actor]}{_until(one)}", one.text) for one in found.blockers]
    advice = [ADVICE[actor] for actor in dict.fromkeys(one.actor for one in found.blockers)]
    return Briefing(_title(found), _happened(found), facts, advice, is_urgent=not found.is_ready and account.details_submitted)


def _title(found: Readiness) -> str:
    if found.is_ready:
        return "This seller can be paid, and owes Stripe something"
    if not found.can_charge and not found.can_be_paid_out:
        return "This seller can neither take payments nor be paid out"
    return "This seller is not paid out" if found.can_charge else "This seller cannot take payments"


def _happened(found: Readiness) -> str:
    things = "One thing stands" if len(found.blockers) == 1 else f"{len(found.blockers)} things stand"
    return f"{things} in the way{', or will' if found.is_ready else ''}. Beside each is who has to act."


def _until(blocker: Blocker) -> str:
    return f", until {blocker.deadline:%Y-%m-%d %H:%M} UTC" if blocker.deadline is not None else ""
