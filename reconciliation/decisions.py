"""What a person does with a case: mends it, corrects our record, or closes it as it is. None of it moves money."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from django.db import transaction

from commercecore_payments.clock import database_now, now
from reconciliation.books import Books, Comparison
from reconciliation.comparing import still_differs
from reconciliation.differences import Difference
from reconciliation.errors import CaseHasChanged, CaseIsClosed, CaseNotMended
from reconciliation.kinds.accounts import ACCOUNTS
from reconciliation.kinds.application_fees import APPLICATION_FEES
from reconciliation.kinds.duplicates import paid_twice
from reconciliation.mending import is_mendable, mend
from reconciliation.models import Case, DifferenceType, ObjectKind, Proposal
from reconciliation.running import OF_AN_ACCOUNT
from reconciliation.scope import Scope
from refunds.models import Refund
from refunds.operations.correct import correct_refund
from transactions.models import Transaction
from transactions.operations.correct import correct_payment

COMPARISONS: Mapping[ObjectKind, Comparison] = {one.kind: one for one in (ACCOUNTS, *OF_AN_ACCOUNT, APPLICATION_FEES)}


def compare_case_again(case: Case, *, by: str) -> Case:
    """Looks at both sides anew: a case whose sides agree by now is closed, another one is brought up to date.

    Raises CaseIsClosed, and as `gateway.reads.ask`.
    """
    _refuse_closed(case)
    found = _as_it_is(case)
    if found is None:
        case.close(Case.Status.GONE, at=now(), by=by, reason="Both sides say the same.")
    else:
        _bring_up_to_date(case, found)
    return case


def mend_case(case: Case, *, by: str, reason: str) -> Case:
    """Our record takes over what Stripe says, by the functions that settle it otherwise. The case is closed where that was all.

    Raises CaseIsClosed, CaseNotMended, and as `gateway.reads.ask`.
    """
    return _carry_out(case, lambda found: mend(found, _books(case)), by=by, reason=reason)


def correct_case(case: Case, *, by: str, reason: str) -> Case:
    """Our record takes over what Stripe says even where no payment or refund becomes so: the person has looked at both sides.

    Raises CaseIsClosed, CaseHasChanged where one of them is not what `case` says any more, CaseNotMended, what the corrections
    raise, and as `gateway.reads.ask`.
    """
    _refuse_closed(case)
    correct = CORRECTIONS.get(ObjectKind(case.kind))
    if correct is None or not may_be_corrected(case):
        raise CaseNotMended("Our record of this cannot be corrected by what Stripe says.")

    def correct_what_was_seen(found: Difference) -> str:
        _refuse_changed(case, found)
        return correct(case)

    return _carry_out(case, correct_what_was_seen, by=by, reason=reason)


def close_case(case: Case, *, by: str, reason: str) -> Case:
    """The word of a person that it stays so. The case opens anew when either side changes.

    Raises CaseIsClosed, and CaseHasChanged where it does not say any more what `case` says, which the person has looked at.
    """
    with transaction.atomic():
        newest = Case.objects.select_for_update().get(pk=case.pk)  # a run that has seen it otherwise comes before or after
        _refuse_closed(newest)
        if newest.facts != case.facts:
            raise CaseHasChanged
        newest.close(Case.Status.ACCEPTED, at=now(), by=by, reason=reason)
    case.refresh_from_db()
    return case


def may_be_mended(case: Case) -> bool:
    return case.is_open and is_mendable(case.proposal, case.kind)


def may_be_corrected(case: Case) -> bool:
    return case.is_open and case.proposal == Proposal.CORRECT and case.kind in CORRECTIONS


def _correct_payment(case: Case) -> str:
    correct_payment(Transaction.objects.select_related("account").get(stripe_payment_intent_id=case.object_id))
    return ""


def _correct_refund(case: Case) -> str:
    correct_refund(Refund.objects.select_related("transaction__account").get(stripe_refund_id=case.object_id))
    return ""


CORRECTIONS: Mapping[str, Callable[[Case], str]] = {
    ObjectKind.PAYMENT_INTENT: _correct_payment,
    ObjectKind.REFUND: _correct_refund,
}


def _carry_out(case: Case, act: Callable[[Difference], str], *, by: str, reason: str) -> Case:
    _refuse_closed(case)
    found = _as_it_is(case)
    if found is None:
        case.close(Case.Status.GONE, at=now(), by=by, reason="Both sides said the same.")
        return case
    problem = act(_with_its_event(found, case))
    left = _as_it_is(case)
    if left is not None or problem:
        _bring_up_to_date(case, left or found)
        raise CaseNotMended(problem or f"It differs still: {left.summary if left else case.summary}")
    case.close(Case.Status.MENDED, at=now(), by=by, reason=reason)  # unless a run has seen in between that the sides agree
    return case


def _refuse_closed(case: Case) -> None:
    if not case.is_open:
        raise CaseIsClosed


def _refuse_changed(case: Case, found: Difference) -> None:
    """Raises CaseHasChanged where either side says something else than the case, which says the newest afterwards."""
    if not case.says_the_same_as(found.type, here=dict(found.here), there=dict(found.there)):
        _bring_up_to_date(case, found)
        raise CaseHasChanged


def _books(case: Case) -> Books:
    """Nothing is too young for a person who looks at it."""
    account = None if case.kind in (ObjectKind.ACCOUNT, ObjectKind.APPLICATION_FEE) else case.account
    return Books(Scope(account_id=case.account_id_at_stripe if account is None else "", grace=timedelta(0)), account)


def _as_it_is(case: Case) -> Difference | None:
    """What still differs. Raises as `gateway.reads.ask`."""
    books = _books(case)
    if case.kind == ObjectKind.ORDER:
        return next(iter(paid_twice(books, case.object_id)), None)
    return still_differs(COMPARISONS[ObjectKind(case.kind)], books, _as_it_was(case))


def _as_it_was(case: Case) -> Difference:
    return Difference(
        type=DifferenceType(case.type),
        kind=ObjectKind(case.kind),
        object_id=case.object_id,
        summary=case.summary,
        proposal=Proposal(case.proposal),
        here=case.here,
        there=case.there,
        at_stake_minor=case.at_stake_minor,
        currency=case.currency,
        payment_id=case.transaction_id,
        app_id=case.app_id,
        account_id=case.account_id_at_stripe,
        created_at=case.object_created_at,
    )


def _with_its_event(found: Difference, case: Case) -> Difference:
    """With the event that the case says never came, so that it is fetched."""
    if case.type != DifferenceType.EVENT_NEVER_DELIVERED:
        return found
    return replace(found, type=DifferenceType.EVENT_NEVER_DELIVERED, there={**found.there, "event": case.there["event"]})


def _bring_up_to_date(case: Case, found: Difference) -> None:
    """What differs as it is; the type stays where an event is to blame, which the sides alone do not show.

    One that somebody has accepted meanwhile keeps what they were shown: only by that does a run see that it has changed.
    """
    event = {"event": case.there["event"]} if "event" in case.there else {}
    Case.objects.open().filter(pk=case.pk).update(
        type=case.type if event else found.type,
        here=dict(found.here),
        there={**found.there, **event},
        at_stake_minor=found.at_stake_minor,
        currency=found.currency,
        proposal=found.proposal,
        summary=found.summary,
        last_seen_at=database_now(),
    )
    case.refresh_from_db()
