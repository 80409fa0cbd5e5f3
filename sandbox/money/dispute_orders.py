"""What a buyer's bank, or its network, does about a dispute when it is ordered to: for tests that cannot wait for it."""

from collections.abc import Callable
from functools import partial

from sandbox.api.errors import StripeError
from sandbox.models import SandboxObject
from sandbox.money import disputes
from sandbox.objects import journal, state

# Each status of a dispute with those that may follow it. Stripe draws no such table. From its documentation are the answer to
# a dispute (https://docs.stripe.com/disputes/how-disputes-work), the escalation of an inquiry and the appeal of a decision;
# unverified are that a won dispute is lost later on (which takes nothing where all was refunded in between), that a lost one
# is appealed or won, and that an inquiry is prevented.
NEXT: dict[str, tuple[str, ...]] = {
    "warning_needs_response": ("needs_response", "prevented", "warning_closed"),
    "warning_under_review": ("needs_response", "prevented", "warning_closed"),
    "warning_closed": (),
    "prevented": (),
    "needs_response": ("won", "lost"),
    "under_review": ("won", "lost", "appeal_needs_response"),
    "appeal_needs_response": ("appeal_under_review", "won", "lost"),
    "appeal_under_review": ("won", "lost"),
    "won": ("lost",),
    "lost": ("won", "appeal_needs_response"),
}


def following(row: SandboxObject) -> tuple[str, ...]:
    """The statuses that may follow for a dispute. None for one of a bank debit: those are final.

    https://docs.stripe.com/payments/ach-direct-debit#disputed-payments.
    """
    return NEXT[row.data["status"]] if row.data["payment_method_details"] else ()


def move(dispute: str, status: str) -> SandboxObject:
    """Moves the dispute of this id, under whichever account, to a status, with the money and the events that this means.

    Raises a 404 where there is none, and a 400 that names the possible ones where the status cannot follow.
    """
    with journal.change():
        found = state.anywhere(("dispute",), dispute, param="id")
        row = disputes.locked(found.account, dispute)
        if status not in following(row):
            raise StripeError(_refusal(row, status), param="status")
        MOVES[status](row)
        return row


def _prevent(row: SandboxObject) -> None:
    """Ends an inquiry before it becomes a dispute: no money ever moves.

    At Stripe a program that the seller has joined prevents a dispute (https://docs.stripe.com/disputes/prevention), and it is
    prevented from the beginning; that an inquiry becomes one is the sandbox's own. `block` is the type that refunds nobody.
    """
    row.data["payment_method_details"]["card"]["case_type"] = "block"
    row.data["status"] = "prevented"
    state.save(row)


def _open_appeal(row: SandboxObject) -> None:
    """Lets the seller appeal the bank's decision: the bank keeps the money until the network has decided.

    https://docs.stripe.com/disputes/arbitration says that there is a deadline, not which: it is that of a dispute here. What
    an earlier appeal said is no part of this one.
    """
    row.data["status"] = "appeal_needs_response"
    row.data["evidence"]["appeal"] = None
    disputes.ask_for_an_answer(row)


MOVES: dict[str, Callable[[SandboxObject], None]] = {
    "appeal_needs_response": _open_appeal,
    "appeal_under_review": disputes.submit,
    "lost": partial(disputes.finish, won=False),
    "needs_response": disputes.escalate,
    "prevented": _prevent,
    "warning_closed": partial(disputes.finish, won=False),
    "won": partial(disputes.finish, won=True),
}


def _refusal(row: SandboxObject, status: str) -> str:
    possible = f"it can become {', '.join(following(row))}" if following(row) else "it is over"
    return f"Dispute {row.stripe_id} has the status {row.data['status']} and cannot become {status}: {possible}."
