"""What an account contains and Stripe tells of by itself: its capabilities and its bank accounts, as objects of their own."""

from typing import Any

Content = dict[str, Any]
# What a capability that is not requested any more counts as: an account leaves it out.
_ABSENT = "unrequested"
# Why a capability is inactive, in its own words: the account still owes Stripe something.
_OWED = "requirements.fields_needed"


def changed_parts(before: Content, after: Content) -> list[tuple[Content | None, Content]]:
    """Each capability and bank account of an account that a change touched: before (None: not there) and after."""
    return [*_capabilities(before, after), *_bank_accounts(before, after)]


def _capabilities(before: Content, after: Content) -> list[tuple[Content | None, Content]]:
    was, becomes = before["capabilities"], after["capabilities"]
    changed = [name for name in sorted(was.keys() | becomes.keys()) if was.get(name) != becomes.get(name)]
    return [(capability(before, name), capability(after, name)) for name in changed]


def _bank_accounts(before: Content, after: Content) -> list[tuple[Content | None, Content]]:
    was = {row["id"]: row for row in before["external_accounts"]["data"]}
    return [(was.get(row["id"]), row) for row in after["external_accounts"]["data"] if was.get(row["id"]) != row]


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
        "requirements": account["requirements"] | {"disabled_reason": _OWED} if status == "inactive" else nothing_due,
        "status": status,
    }
