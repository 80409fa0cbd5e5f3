"""Comparing one of Stripe's lists with our records: page by page, and each difference looked at once more before it is told."""

from collections.abc import Callable
from dataclasses import replace

from commercecore_payments.clock import now
from gateway.listing import pages
from gateway.models import Operation
from reconciliation.booking import DifferenceBook, MendingBook
from reconciliation.books import Books, Comparison
from reconciliation.differences import Difference
from reconciliation.kinds.application_fees import belongs_to
from reconciliation.mending import mend
from reconciliation.models import DifferenceType, ObjectKind
from reconciliation.seen import SeenIds
from reconciliation.undelivered import UndeliveredEvents
from stripe_events.models import Status as StripeEventStatus
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from transactions.operations.read import open_operations

# Told after each page and each difference: how many objects of which kind were compared. It may raise, to stop.
Tell = Callable[[ObjectKind, int], None]
# What an event that was not delivered leaves behind.
LAGS = (DifferenceType.STATE, DifferenceType.AMOUNT)


class Comparer:
    """Compares the lists of one account, and books what differs."""

    def __init__(self, books: Books, book: DifferenceBook, *, tell: Tell) -> None:
        self._books = books
        self._book = book
        self.tell = tell
        self._undelivered = UndeliveredEvents(books, sign_of_life=lambda: tell(ObjectKind.PAYMENT_INTENT, 0))

    def compare(self, comparison: Comparison) -> None:
        """Both ways. Raises as `gateway.reads.ask`."""
        seen = SeenIds()
        for page in pages(comparison.path, account_id=self._books.account_id, parameters=self._books.scope.created):
            if comparison.not_listed is not None:
                seen.add(comparison.ids(page))
            for suspected in comparison.compare(self._books, page):
                self.take_up(comparison, suspected)
            self.tell(comparison.kind, len(page))
        if comparison.not_listed is not None:
            for suspected in comparison.not_listed(self._books, seen):
                self.take_up(comparison, suspected)

    def take_up(self, comparison: Comparison, suspected: Difference) -> None:
        """Books what still differs when both sides are read once more: a list is older than its page."""
        found = suspected if suspected.kind == ObjectKind.ORDER else still_differs(comparison, self._books, suspected)
        self.tell(comparison.kind, 0)
        if found is None or self._is_told_with_another(found):
            return
        self._books.explained.update((found.object_id, *found.explains))
        if self._is_young(found) and not self._book.is_open(found, account=self._books.account):
            self._book.note_young()
        elif not self._books.scope.app_id or found.app_id == self._books.scope.app_id:
            self._take(comparison, self._named_by_its_cause(found))

    def _is_told_with_another(self, found: Difference) -> bool:
        """A fee is the platform's, and compared last: what is wrong with its payment was found by then."""
        if found.kind != ObjectKind.APPLICATION_FEE:
            return False
        return self._book.tells_of(payment_id=found.payment_id, object_ids=belongs_to(found))

    def _is_young(self, found: Difference) -> bool:
        """Whether it is under way: just made, just changed, about to be settled, or told by an event that has just come."""
        scope = self._books.scope
        if scope.is_young(found.created_at) or scope.is_young(found.changed_at) or _is_under_way(found):
            return True
        waiting = StripeEvent.objects.filter(object_id=found.object_id, status=StripeEventStatus.PENDING)
        return waiting.filter(received_at__gt=now() - scope.grace).exists()

    def _named_by_its_cause(self, found: Difference) -> Difference:
        event = self._undelivered.behind(found) if found.type in LAGS else None
        if event is None:
            return found
        return replace(
            found,
            type=DifferenceType.EVENT_NEVER_DELIVERED,
            summary=f"{found.summary} Stripe's event {event.id} ({event.type}) never came.",
            there={**found.there, "event": event.id},
        )

    def _take(self, comparison: Comparison, found: Difference) -> None:
        if self._book.take(found, account=self._books.account):
            self._deal_with(comparison, found)

    def _deal_with(self, comparison: Comparison, found: Difference) -> None:
        """What is done about a difference that nobody has accepted as it is: it is told, and no more."""


class MendingComparer(Comparer):
    """Compares likewise, and mends at once what can be mended safely."""

    def __init__(self, books: Books, book: MendingBook, *, tell: Tell) -> None:
        super().__init__(books, book, tell=tell)
        self._mending_book = book

    def _deal_with(self, comparison: Comparison, found: Difference) -> None:
        problem = mend(found, self._books)
        told = (found.object_id, *found.explains)
        self._books.explained.difference_update(told)  # what is told already would not be looked at again
        left = comparison.compare(self._books, comparison.look_again(self._books, found)) if not problem else []
        if not problem and not any(one.object_id == found.object_id for one in left):
            self._mending_book.note_mended(found, account=self._books.account)
        else:
            self._books.explained.update(told)
            self._mending_book.note_problem(found, problem or "Afterwards it differed still.", account=self._books.account)
        for one in left:
            if one.object_id != found.object_id:
                self.take_up(comparison, one)


# Makes what compares the books of an account, or those of the platform.
ComparerOf = Callable[[Books], Comparer]


def still_differs(comparison: Comparison, books: Books, suspected: Difference) -> Difference | None:
    """The difference as it is now; None where both sides agree by now. Raises as `gateway.reads.ask`."""
    now_there = comparison.look_again(books, suspected)
    if not now_there:
        is_missing = suspected.type == DifferenceType.MISSING_THERE
        return suspected if is_missing and not _has_changed(suspected) else None
    found = comparison.compare(books, now_there)
    return next((one for one in found if one.kind == suspected.kind), None)


def _has_changed(suspected: Difference) -> bool:
    """Whether our record is another one by now, or gone."""
    record = suspected.record
    if record is None:
        return False
    stored = type(record)._default_manager.filter(pk=record.pk).values_list("updated_at", flat=True).first()
    return stored != suspected.changed_at


def _is_under_way(found: Difference) -> bool:
    """Whether an operation about it has no known outcome: then its end will tell."""
    if found.record is not None and Operation.objects.of(found.record).open().exists():
        return True
    payment = Transaction.objects.filter(pk=found.payment_id).first() if found.payment_id is not None else None
    return payment is not None and bool(open_operations(payment))
