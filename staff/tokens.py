"""One-time tokens of the forms that confirm an action: against double clicks, the back button and forged posts.

A token is signed into the form and binds the user, the record and the action, and tells what the form had shown. It is used
once: whoever inserts its nonce first carries the action out, and a second post of the same form is told what became of the first.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.core import signing

from commercecore_payments.clock import now
from staff.models import UsedForm

# Between the look at a preview and the decision; what it showed is old after that. Our own choice.
LIFETIME = timedelta(hours=1)
# Longer than any token lives, so that a used one is known until it has expired.
USED_FORMS_ARE_KEPT_FOR = timedelta(days=1)
SALT = "staff.tokens"
NONCE_BYTES = 16  # 128 bits, which nobody guesses and no two forms share


@dataclass(frozen=True, slots=True)
class Bound:
    """What a token is good for: one user, one record, one action."""

    user_id: int
    record: str
    action: str


@dataclass(frozen=True, slots=True)
class Form:
    """One form that was shown: its nonce, and the digest of the facts that its user saw in it."""

    nonce: str
    seen: str


def new_token(bound: Bound, *, facts: Any = None) -> str:
    """A token for one confirmation of `bound`, good for LIFETIME; `facts` are those that the decision rests on, as for JSON."""
    content = [secrets.token_hex(NONCE_BYTES), digest_of(facts), bound.user_id, bound.record, bound.action]
    return signing.dumps(content, salt=SALT)


def form_of(token: str, bound: Bound) -> Form | None:
    """The form that the token was signed into; None where it is forged, expired, or for another user, record or action."""
    try:
        nonce, seen, *rest = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return None
    return Form(str(nonce), str(seen)) if rest == [bound.user_id, bound.record, bound.action] else None


def digest_of(facts: Any) -> str:
    """The same for the same facts, whatever the order of their names."""
    return sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def claim(nonce: str, *, username: str, attempt: Mapping[str, Any]) -> UsedForm | None:
    """Takes the token for its one use; None where it was used before. Forgets what is too old to matter.

    `attempt` is kept for the audit log until it is known what came of it.
    """
    UsedForm.objects.filter(used_at__lt=now() - USED_FORMS_ARE_KEPT_FOR).exclude(told="").delete()
    return UsedForm.claim(nonce=nonce, username=username, attempt=attempt)


def earlier_use(nonce: str) -> UsedForm | None:
    """The earlier sending of the same form, if there was one."""
    return UsedForm.objects.filter(pk=nonce).first()
