"""What a connected account owes Stripe, its `requirements` (https://docs.stripe.com/connect/handling-api-verification).

`standing` says what follows of it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Content = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """What Stripe could not verify: the field that is asked for again, a code of the SDK's list, and why in words."""

    requirement: str
    code: str
    reason: str


def nothing_due() -> Content:
    """Of an account that owes nothing."""
    return _content()


def missing(fields: Sequence[str]) -> Content:
    """Of an account that is disabled until these fields are there."""
    return _content(due=fields, past_due=fields)


def due_by(deadline: int, problems: Sequence[Problem]) -> Content:
    """Of an account that is disabled unless these problems are solved by the deadline, in epoch seconds."""
    return _content(due=_fields(problems), problems=problems) | {"current_deadline": deadline}


def past_due(problems: Sequence[Problem]) -> Content:
    """Of an account that is disabled until these problems are solved."""
    return _content(due=_fields(problems), past_due=_fields(problems), problems=problems)


def being_verified(fields: Sequence[str]) -> Content:
    """Of an account of which Stripe has yet to verify these fields."""
    return _content() | {"pending_verification": list(fields)}


def after_the_deadline(before: Content) -> Content:
    """The same once the deadline has passed: what was due is past due. That no deadline is told then is unverified."""
    return before | {"current_deadline": None, "past_due": list(before["currently_due"])}


def _fields(problems: Sequence[Problem]) -> list[str]:
    return sorted({problem.requirement for problem in problems})


def _content(*, due: Sequence[str] = (), past_due: Sequence[str] = (), problems: Sequence[Problem] = ()) -> Content:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": None,
        "errors": [asdict(problem) for problem in problems],
        "eventually_due": list(due),
        "past_due": list(past_due),
        "pending_verification": [],
    }
