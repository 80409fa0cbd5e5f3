"""Where the differences of a comparison go: into cases, or into a report alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum

from accounts.models import ConnectedAccount
from commercecore_payments.clock import database_now, now
from reconciliation.differences import Difference
from reconciliation.errors import CaseKeepsChanging
from reconciliation.models import Case, CaseQuerySet, DifferenceType, ObjectKind, Run
from reconciliation.scope import Scope

# Of which a difference says why the fee differs as well. A refund, a dispute or a second payment of the order says nothing of it.
EXPLAIN_FEES = (ObjectKind.PAYMENT_INTENT, ObjectKind.CHARGE)
# Each time somebody else has ended or opened the case at that very moment: two comparisons and a person do that once.
MOST_TRIES = 5


class DifferenceBook(Protocol):
    """What a comparison writes its differences into."""

    def take(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        """Books it; whether it is one that nobody has accepted as it is."""

    def note_young(self) -> None:
        """Counts one that is too young to be told."""

    def is_open(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        """Whether there is a case of it already, which stays one however young the difference seems."""

    def tells_of(self, *, payment_id: int | None, object_ids: Iterable[str]) -> bool:
        """Whether what differs of the payment itself, or of one of these charges or intents, is booked and not mended."""


class MendingBook(DifferenceBook, Protocol):
    """What a comparison that mends writes into: what came of each mend besides."""

    def note_mended(self, found: Difference, *, account: ConnectedAccount | None) -> None:
        """Both sides say the same by now."""

    def note_problem(self, found: Difference, problem: str, *, account: ConnectedAccount | None) -> None:
        """It could not be mended: why, in a sentence."""


class Report:
    """The differences of a comparison that writes nothing: all of them are held, as few as they are beside what is compared."""

    def __init__(self) -> None:
        self.young = 0
        self._found: dict[tuple[str, str, str], Difference] = {}

    def take(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        self._found[_key(found, account)] = found
        return True

    def note_young(self) -> None:
        self.young += 1

    def is_open(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        return False

    def tells_of(self, *, payment_id: int | None, object_ids: Iterable[str]) -> bool:
        named = set(object_ids)
        explaining = [one for one in self if one.kind in EXPLAIN_FEES]
        return any(one.object_id in named or (payment_id is not None and one.payment_id == payment_id) for one in explaining)

    def __iter__(self) -> Iterator[Difference]:
        return iter(self._found.values())

    def items(self) -> Iterable[tuple[tuple[str, str, str], Difference]]:
        """Each difference with its kind, the object's id and the account's."""
        return self._found.items()


def _key(found: Difference, account: ConnectedAccount | None) -> tuple[str, str, str]:
    return found.kind, found.object_id, _account_id(found, account)


def _account_id(found: Difference, account: ConnectedAccount | None) -> str:
    return found.account_id or (account.stripe_account_id if account is not None else "")


class Cases:
    """The cases of one run: each difference opens one, or finds the one that is open.

    When a case was last seen is told by the database's clock: several comparisons may be under way on several machines.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._piece_began = database_now()

    def begin_piece(self) -> None:
        """What is seen from now on is seen by this piece."""
        self._piece_began = database_now()

    def take(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        """Opens the case or brings it up to date; whether it is open. One that was accepted opens anew where it has changed.

        Raises CaseKeepsChanging.
        """
        for _ in range(MOST_TRIES):
            case = self._undecided(found, account)
            is_open = self._opened(found, account) if case is None else self._brought_up_to_date(case, found)
            if is_open is not None:
                return is_open
        raise CaseKeepsChanging(f"The case of {found.object_id} is opened and ended by others all the time.")

    def _undecided(self, found: Difference, account: ConnectedAccount | None) -> Case | None:
        kept = Case.objects.filter(status__in=(Case.Status.OPEN, Case.Status.ACCEPTED))
        case: Case | None = kept.filter(**_about(found, account)).first()
        return case

    def _opened(self, found: Difference, account: ConnectedAccount | None) -> bool | None:
        """True where it was opened; None where another run has just opened it."""
        whose = account or ConnectedAccount.objects.filter(stripe_account_id=_account_id(found, account)).first()
        try:
            with transaction.atomic():
                facts = _facts(found, self._run)
                Case.objects.create(**_about(found, account), account=whose, first_run=self._run, **facts)
        except IntegrityError:
            if self._undecided(found, account) is None:
                raise  # it is another rule of the table that it breaks
            return None
        return True

    def _brought_up_to_date(self, case: Case, found: Difference) -> bool | None:
        """Whether it is open now; None where somebody has ended it since it was read, or opened it anew."""
        as_read = Case.objects.filter(pk=case.pk, status=case.status, closed_at=case.closed_at)
        facts = _facts(found, self._run)
        same = case.says_the_same_as(found.type, here=facts["here"], there=facts["there"])
        if case.status == Case.Status.ACCEPTED and same:
            return False if as_read.update(last_run=self._run, last_seen_at=facts["last_seen_at"]) else None
        reopened = {"status": Case.Status.OPEN, "closed_at": None, "closed_by": "", "closing_reason": ""}
        return True if as_read.update(**facts, **reopened) else None

    def note_mended(self, found: Difference, *, account: ConnectedAccount | None) -> None:
        for case in Case.objects.open().filter(**_about(found, account)):
            case.close(Case.Status.MENDED, at=now(), by=str(self._run), reason="Our record took over what Stripe says.")

    def note_problem(self, found: Difference, problem: str, *, account: ConnectedAccount | None) -> None:
        Case.objects.open().filter(**_about(found, account)).update(last_problem=problem)

    def note_young(self) -> None:
        self._run.young += 1

    def is_open(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        return Case.objects.open().filter(**_about(found, account)).exists()

    def tells_of(self, *, payment_id: int | None, object_ids: Iterable[str]) -> bool:
        about = Q(object_id__in=list(object_ids))
        if payment_id is not None:
            about |= Q(transaction=payment_id)
        kept = Case.objects.filter(status__in=(Case.Status.OPEN, Case.Status.ACCEPTED), kind__in=EXPLAIN_FEES)
        return kept.filter(about).exists()

    def close_gone(self, scope: Scope, kinds: Iterable[ObjectKind], account: ConnectedAccount | None = None) -> None:
        """Ends the open cases of the account (None: of the platform's lists) that were compared and did not differ any more.

        That nobody has seen one since this piece began says so: neither this run, nor another one that is under way, nor the
        part of this one that was killed.
        """
        kept = Case.objects.open().filter(last_seen_at__lt=self._piece_began, kind__in=kinds)
        if account is not None:
            kept = kept.of(account)
        elif scope.account_id:
            kept = kept.filter(account_id_at_stripe=scope.account_id)
        if scope.app_id:
            kept = kept.filter(app=scope.app_id)
        for case in kept.iterator():
            if scope.holds(case.object_created_at):
                case.close(Case.Status.GONE, at=now(), by=str(self._run), reason="Both sides say the same.")

    def sum_up(self) -> None:
        """Writes into the run what its cases say. The caller saves it."""
        found = cases_of(self._run)
        accepted, still_open = found.filter(status=Case.Status.ACCEPTED), found.filter(status=Case.Status.OPEN)
        types = found.exclude(status=Case.Status.ACCEPTED).order_by().values("type").annotate(number=Count("pk"))
        self._run.differences = in_order(Counter({row["type"]: row["number"] for row in types}))
        self._run.accepted = accepted.count()
        self._run.mended = found.filter(status=Case.Status.MENDED).count()
        self._run.left_open = still_open.count()
        sums = still_open.exclude(at_stake_minor=0).order_by("currency").values("currency").annotate(total=Sum("at_stake_minor"))
        self._run.at_stake = {row["currency"]: row["total"] for row in sums}


def cases_of(run: Run) -> CaseQuerySet:
    """What the run found: the cases that it saw, and those that another one saw at the same time of what both compare."""
    of_others = Q(last_seen_at__gte=run.started_at)
    if run.account_id:
        of_others &= Q(account_id_at_stripe=run.account_id)
    if run.app_id:
        of_others &= Q(app=run.app_id)
    if run.since is not None:
        of_others &= Q(object_created_at__gte=run.since)
    if run.until is not None:
        of_others &= Q(object_created_at__lt=run.until)
    found: CaseQuerySet = Case.objects.filter(Q(last_run=run) | of_others)
    return found


def in_order(counted: Counter[str]) -> dict[str, int]:
    """The number of differences of each type that occurs, in the order of the types."""
    return {kind.value: counted[kind.value] for kind in DifferenceType if counted[kind.value]}


def _facts(found: Difference, run: Run) -> dict[str, Any]:
    return {
        "type": found.type,
        "app_id": found.app_id,
        "transaction_id": found.payment_id,
        "here": dict(found.here),
        "there": dict(found.there),
        "summary": found.summary,
        "proposal": found.proposal,
        "at_stake_minor": found.at_stake_minor,
        "currency": found.currency,
        "object_created_at": found.created_at,
        "last_run": run,
        "last_seen_at": database_now(),
        "last_problem": "",
    }


def _about(found: Difference, account: ConnectedAccount | None) -> dict[str, Any]:
    """By which the one case of an object that is not decided is found."""
    named = {"kind": found.kind, "object_id": found.object_id}
    return {**named, "account_id_at_stripe": _account_id(found, account)}
