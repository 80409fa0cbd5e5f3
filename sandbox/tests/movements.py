"""What the property test of the books speaks of: what happens, the objects that are there then, and the movements they cause."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import stripe
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sandbox.models import SandboxObject
from sandbox.timeline import due

PLATFORM = ""
ANY = st.integers(0, 10**6)  # which of the objects there are, counted round
# Hours before something happens: mostly none; a refund's end, the next midnights, and the time to answer a dispute.
HOURS = st.sampled_from((0, 0, 0, 2, 36, 24 * 8))
# What was begun comes to its end by itself within these: a hold or a dispute after seven days, then midnights of payouts.
UNTIL_ALL_HAS_ENDED = timedelta(days=14)
NEVER_REDIRECTED = {"enabled": True, "allow_redirects": "never"}


class Movement(NamedTuple):
    """One balance transaction, as its cause demands it."""

    type: str
    source: str
    amount: int
    currency: str


# The movements that one kind of object causes under an account, and what else holds of the account.
Expected = Callable[[Any, str], Iterator[Movement]]
Check = Callable[[Any, str], None]


def happening(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule of the machine below, before which some time may pass. Its arguments are drawn from these strategies."""

    def decorate(happen: Callable[..., None]) -> Any:
        def later(books: Books, hours: int, **values: Any) -> None:
            books.let_pass(timedelta(hours=hours))
            happen(books, **values)

        later.__name__ = happen.__name__
        return rule(hours=HOURS, **drawn)(later)

    return decorate


class Books(RuleBasedStateMachine):
    """A platform and two sellers, whose books are checked after everything that happens to them.

    Whatever may happen stands in classes derived from this one, as methods with `happening`.
    """

    v1: Any
    sellers: list[str]
    checks: list[Check]
    booked: set[str]  # the types of all balance transactions that were checked, in whichever life

    def __init__(self) -> None:
        super().__init__()
        self.payments: list[tuple[str, str]] = []  # of each: the seller and the payment intent
        self.seen_balances: dict[str, Any] = {}  # of each account, what its balance was found to be
        self._rows: dict[tuple[str, str], list[SandboxObject]] = {}
        self._sound = False
        self._undone_at_the_end = transaction.atomic()
        self._undone_at_the_end.__enter__()

    def teardown(self) -> None:
        """Lets everything come to its end, checks the books once more, and takes back what happened."""
        try:
            if self._sound:
                self.let_pass(UNTIL_ALL_HAS_ENDED)
                self.add_up()
        finally:
            transaction.set_rollback(True)
            self._undone_at_the_end.__exit__(None, None, None)

    @invariant()
    def add_up(self) -> None:
        """Checks the books of everybody."""
        self._sound = False
        self.let_pass(timedelta())
        self._read()
        for account in (PLATFORM, *self.sellers):
            for check in self.checks:
                check(self, account)
        self._sound = True

    def let_pass(self, time: timedelta) -> None:
        """Moves the sandbox's clock, and carries out what is due."""
        if time:
            due.move_clock(time)
        due.carry_out_due()

    def _read(self) -> None:
        self._rows = {}
        for row in SandboxObject.objects.exclude(object_type="event").order_by("id"):
            self._rows.setdefault((row.account, row.object_type), []).append(row)

    def rows(self, account: str, object_type: str) -> list[SandboxObject]:
        """The rows of one type under an account as they were at the last check, the oldest first."""
        return self._rows.get((account, object_type), [])

    def objects(self, account: str, object_type: str) -> list[dict[str, Any]]:
        """The objects of the same rows."""
        return [row.data for row in self.rows(account, object_type)]

    def of_sellers(self, object_type: str) -> list[SandboxObject]:
        """The rows of one type under both sellers."""
        return [row for seller in self.sellers for row in self.rows(seller, object_type)]

    def attempt(self, call: Callable[[], Any]) -> Any:
        """The answer of a call; None where Stripe refuses it with a 400."""
        try:
            return call()
        except stripe.InvalidRequestError as refused:
            if refused.http_status != 400:
                raise
            return None


def chosen(rows: list[Any], which: int) -> Any:
    """One of several, counted round."""
    return rows[which % len(rows)]


def options(account: str) -> Any:
    """The options of a call on behalf of a seller; none for the platform's own."""
    return {"stripe_account": account} if account else None
