"""A connected account that leaves the platform (https://docs.stripe.com/connect/oauth-reference#post-deauthorize).

Its objects stay where they are, and what was under way goes on; the platform reaches none of it any more.
"""

from sandbox.models import SandboxObject
from sandbox.objects import events, journal, state


class NotConnected(Exception):
    """No account of this id is connected to the platform: it never was, was deleted, or has left."""


def deauthorize(account_id: str) -> None:
    """Lets an account leave: every later call for it, or on its behalf, is a 403. Raises NotConnected."""
    with journal.change():
        row = connected(account_id, lock=True)
        if row is None:
            raise NotConnected(account_id)
        row.hidden["left"] = True
        state.save(row)
        events.record_deauthorization(row, journal.cause())


def connected(account_id: str, *, lock: bool = False) -> SandboxObject | None:
    """The account of this id, where the platform may reach it: it lives and has not left."""
    row = state.find("", "account", account_id, lock=lock)
    return None if row is None or row.deleted or row.hidden.get("left") else row
