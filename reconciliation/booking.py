"""Where the differences of a comparison go: into cases, or into a report alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models import Q, Sum

from accounts.models import ConnectedAccount
from commercecore_payments.clock import now
from reconciliation.differences import Difference
from reconciliation.models import Case, DifferenceType, ObjectKind, Run
from reconciliation.scope import Scope

# What is compared with the platform's own lists, and not with those of one account.
PLATFORMS = (ObjectKind.ACCOUNT, ObjectKind.APPLICATION_FEE)


class DifferenceBook(Protocol):
    """What a comparison writes its differences into."""

    def take(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        """Books it; whether it is one that nobody has accepted as it is."""

    def note_mended(self, found: Difference) -> None: ...

    def note_problem(self, found: Difference, problem: str) -> None: ...

    def note_young(self) -> None: ...

    def is_open(self, found: Difference) -> bool:
        """Whether there is a case of it already, which stays one however young the difference seems."""

    def tells_of(self, *, payment_id: int | None, object_ids: Iterable[str]) -> bool:
        """Whether a difference of the payment, or of one of these objects, is booked and not mended."""


class Report:
    """The differences of a comparison that writes nothing: all of them are held, as few as they are beside what is compared."""

    def __init__(self) -> None:
        self.young = 0
        self._found: dict[tuple[str, str, str], Difference] = {}

    def take(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        self._found[_key(found, account)] = found
        return True

    def note_mended(self, found: Difference) -> None:
        raise NotImplementedError("What writes nothing mends nothing.")

    def note_problem(self, found: Difference, problem: str) -> None:
        raise NotImplementedError("What writes nothing mends nothing.")

    def note_young(self) -> None:
        self.young += 1

    def is_open(self, found: Difference) -> bool:
        return False

    def tells_of(self, *, payment_id: int | None, object_ids: Iterable[str]) -> bool:
        named = set(object_ids)
        return any(one.object_id in named or (payment_id is not None and one.payment_id == payment_id) for one in self)

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
    """The cases of one run: each difference opens one, or finds the one that is open."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def take(self, found: Difference, *, account: ConnectedAccount | None) -> bool:
        """Opens the case or brings it up to date; whether it is open. One that was accepted opens anew where it has changed."""
        case = self._undecided(found, account)
        if case is None:
            try:
                with transaction.atomic():
                    self._open(found, account)
                return True
            except IntegrityError:  # another run has just opened it
                case = self._undecided(found, account)
        if case is None:
            raise LookupError(f"The case of {found.object_id} was opened and ended by others at this moment.")
        return self._bring_up_to_date(case, found)

    def _undecided(self, found: Difference, account: ConnectedAccount | None) -> Case | None:
        kept = Case.objects.filter(status__in=(Case.Status.OPEN, Case.Status.ACCEPTED))
        of_object = kept.filter(kind=found.kind, object_id=found.object_id, account_id_at_stripe=_account_id(found, account))
        case: Case | None = of_object.first()
        return case

    def _open(self, found: Difference, account: ConnectedAccount | None) -> None:
        account_id = _account_id(found, account)
        Case.objects.create(
            kind=found.kind,
            object_id=found.object_id,
            account_id_at_stripe=account_id,
            account=account or ConnectedAccount.objects.filter(stripe_account_id=account_id).first(),
            first_run=self._run,
            **_facts(found, self._run),
        )

    def _bring_up_to_date(self, case: Case, found: Difference) -> bool:
        same = case.says_the_same_as(found.type, here=dict(found.here), there=dict(found.there))
        if case.status == Case.Status.ACCEPTED and same:
            Case.objects.filter(pk=case.pk).update(last_run=self._run, last_seen_at=now())
            return False
        reopened = {"status": Case.Status.OPEN, "closed_at": None, "closed_by": "", "closing_reason": ""}
        Case.objects.filter(pk=case.pk).update(**_facts(found, self._run), **reopened)
        return True

    def note_mended(self, found: Difference) -> None:
        for case in self._of(found):
            case.close(Case.Status.MENDED, at=now(), by=str(self._run), reason="Our record took over what Stripe says.")

    def note_problem(self, found: Difference, problem: str) -> None:
        self._of(found).update(last_problem=problem)

    def _of(self, found: Difference) -> Any:
        return Case.objects.open().filter(last_run=self._run, kind=found.kind, object_id=found.object_id)

    def note_young(self) -> None:
        self._run.young += 1

    def is_open(self, found: Difference) -> bool:
        return Case.objects.open().filter(kind=found.kind, object_id=found.object_id).exists()

    def tells_of(self, *, payment_id: int | None, object_ids: Iterable[str]) -> bool:
        about = Q(object_id__in=list(object_ids))
        if payment_id is not None:
            about |= Q(transaction=payment_id)
        kept = Case.objects.filter(status__in=(Case.Status.OPEN, Case.Status.ACCEPTED))
        return kept.filter(about).exclude(kind=ObjectKind.APPLICATION_FEE).exists()

    def close_gone(self, scope: Scope, account: ConnectedAccount | None) -> None:
        """Ends the open cases of the account (None: of the platform's lists) that were compared and did not differ any more."""
        kept = Case.objects.open().exclude(last_run=self._run)
        kept = kept.filter(kind__in=PLATFORMS) if account is None else kept.of(account).exclude(kind__in=PLATFORMS)
        if account is None and scope.account_id:
            kept = kept.filter(account_id_at_stripe=scope.account_id)
        if scope.app_id:
            kept = kept.filter(app=scope.app_id)
        for case in kept.iterator():
            if scope.holds(case.object_created_at):
                case.close(Case.Status.GONE, at=now(), by=str(self._run), reason="Both sides say the same.")

    def sum_up(self) -> None:
        """Writes into the run what its cases say. The caller saves it."""
        found = Case.objects.filter(last_run=self._run)
        accepted, still_open = found.filter(status=Case.Status.ACCEPTED), found.filter(status=Case.Status.OPEN)
        types = found.exclude(status=Case.Status.ACCEPTED).order_by().values_list("type", flat=True)
        self._run.differences = in_order(Counter(types))
        self._run.accepted = accepted.count()
        self._run.mended = found.filter(status=Case.Status.MENDED).count()
        self._run.left_open = still_open.count()
        sums = still_open.exclude(at_stake_minor=0).order_by("currency").values("currency").annotate(total=Sum("at_stake_minor"))
        self._run.at_stake = {row["currency"]: row["total"] for row in sums}


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
        "last_seen_at": now(),
        "last_problem": "",
    }
