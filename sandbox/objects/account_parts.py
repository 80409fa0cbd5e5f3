"""What an account contains and Stripe tells of by itself: its capabilities and its bank accounts, as objects of their own."""

from typing import Any

Content = dict[str, Any]
# What a capability that is not requested any more counts as: an account leaves it out.
_ABSENT = "unrequested"
# Why a capability is not active, in its own words, by what the account's `requirements.disabled_reason` says; the words are
# the SDK's, which of them Stripe gives when is unverified.
_DISABLED_REASONS = {
    "action_required.requested_capabilities": "other",
    "listed": "pending.review",
    "other": "other",
    "platform_paused": "platform_paused",
    "requirements.past_due": "requirements.fields_needed",
    "requirements.pending_verification": "pending.review",
    "under_review": "pending.review",
}
_REJECTED = "rejected.other"


def changed_parts(before: Content, after: Content) -> list[tuple[Content | None, Content]]:
    """Each capability and bank account of an account that a change touched: before (None: not there) and after."""
    return [*_capabilities(before, after), *_bank_accounts(before, after)]


def _capabilities(before: Content, after: Content) -> list[tuple[Content | None, Content]]:
    was, becomes = before["capabilities"], after["capabilities"]
    told = [(capability(before, name), capability(after, name)) for name in sorted(was.keys() | becomes.keys())]
    return [(old, new) for old, new in told if old != new]  # "a capability has new requirements or a new status": the SDK


def _bank_accounts(before: Content, after: Content) -> list[tuple[Content | None, Content]]:
    was = {row["id"]: row for row in before["external_accounts"]["data"]}
    kept = {row["id"]: row for row in after["external_accounts"]["data"]}
    told: list[tuple[Content | None, Content]] = [(was.get(each), row) for each, row in kept.items() if was.get(each) != row]
    gone = [(row, {"id": each, "object": row["object"], "deleted": True}) for each, row in was.items() if each not in kept]
    return [*told, *gone]


def capability(account: Content, name: str) -> Content:
    """The capability object (https://docs.stripe.com/api/capabilities/object) that belongs to an account's entry."""
    status = account["capabilities"].get(name, _ABSENT)
    nothing_due = account["future_requirements"]  # the sandbox asks for nothing that is not due now
    return {
        "id": name,
        "object": "capability",
        "account": account["id"],
        "future_requirements": nothing_due,
        "requested": status != _ABSENT,
        # The sandbox notes no later moment: capabilities are asked for when the account is opened.
        "requested_at": account["created"] if status != _ABSENT else None,
        "requirements": nothing_due if status == _ABSENT else _requirements(account["requirements"]),
        "status": status,
    }


def _requirements(of_account: Content) -> Content:
    """What a capability needs: all that its account owes, the sandbox makes no difference between capabilities."""
    reason = of_account["disabled_reason"]
    return of_account | {"disabled_reason": _DISABLED_REASONS.get(reason, _REJECTED) if reason else None}
