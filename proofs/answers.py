"""An answer of the API as the proofs compare it: without what is new each time."""

import json
import re
from dataclasses import dataclass
from typing import Any

# The letters after the prefix of an id, of ours or Stripe's, and of the secrets that begin with one.
_ID = re.compile(r"\b(acct|pi|re|ch|pm|cus|seti|src|req|op|sandbox)_[A-Za-z0-9_]{8,}")
# The prefixes of what an operation makes, and is known by from then on.
_MADE = ("acct", "pi", "re")
_ADDRESS = re.compile(r"https?://[^\s\"]+")
# What depends on the moment.
_MOMENTS = frozenset({"created", "expires_at", "capture_before", "onboarding_expires_at", "request_path"})


@dataclass(frozen=True)
class Told:
    """The status, the body without ids and moments, whether it is a stored one, and whether to come again."""

    status: int
    body: str
    ids: tuple[str, ...] = ()
    is_replayed: bool = False
    asks_to_come_again: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Told) and (self.status, self.body) == (other.status, other.body)

    def __hash__(self) -> int:
        return hash((self.status, self.body))

    def __str__(self) -> str:
        return f"{self.status} {self.body}"


def tell(answer: Any) -> Told:
    """What a response of Django's test client says."""
    text = answer.content.decode()
    body = json.loads(text) if text else None
    return Told(
        status=answer.status_code,
        body=_ADDRESS.sub("<address>", _ID.sub(r"\1_…", json.dumps(_without_moments(body), sort_keys=True))),
        ids=_ids(text),
        is_replayed=answer.headers.get("Idempotent-Replayed") == "true",
        asks_to_come_again=answer.status_code in (409, 429, 503) and "Retry-After" in answer.headers,
    )


def _ids(text: str) -> tuple[str, ...]:
    """The ids of what was made at Stripe; a secret begins with one."""
    found = {match.group().partition("_secret")[0] for match in _ID.finditer(text) if match.group(1) in _MADE}
    return tuple(sorted(found))


def _without_moments(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_moments(part) for name, part in value.items() if name not in _MOMENTS}
    return [_without_moments(part) for part in value] if isinstance(value, list) else value
