"""What the staff does with refunds: asks for them, and decides those that wait for a second person."""

from dataclasses import replace

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from commercecore_payments.actors import Actor
from commercecore_payments.errors import ServiceError
from gateway.models import Operation
from refunds.errors import ApprovalIsOver, NeedsSecondPerson, NotOwnRefund, OwnRefund, RefundIsWaiting, RestHasChanged
from refunds.models import ApprovalStatus, Refund, RefundApproval, with_outcome
from refunds.operations.request import RefundRequest, Reserved, finish_refund, request_refund, reserve_refund, up_to_date


def refund_by_staff(request: RefundRequest, *, reason: str, user: User, actor: Actor) -> Refund | RefundApproval:
    """Refunds a payment as the API does, or leaves the refund to a second person where one may not decide it alone.

    `actor` names its operator, who is `user`. Raises what `request_refund` raises but NeedsSecondPerson.
    """
    up_to_date(request.payment)
    try:
        return request_refund(request, actor=actor)
    except NeedsSecondPerson as needed:
        return _leave_to_second_person(replace(request, amount_minor=needed.amount_minor), reason=reason, user=user)


def _leave_to_second_person(request: RefundRequest, *, reason: str, user: User) -> RefundApproval:
    payment = request.payment
    RefundApproval.objects.of(payment).lapse()
    try:
        with transaction.atomic(durable=True):
            approval: RefundApproval = RefundApproval.objects.create(
                transaction=payment,
                amount_minor=request.amount_minor,
                currency=payment.currency,
                stripe_reason=request.reason,
                refund_application_fee=request.refund_application_fee,
                reason=reason,
                requested_by=user,
            )
    except IntegrityError:  # the unique index decides, for two at the same moment too
        raise RefundIsWaiting from None
    return approval


def approve_refund(
    approval: RefundApproval, *, note: str, user: User, actor: Actor, expected_rest_minor: int | None = None
) -> Refund:
    """Agrees to a waiting refund, as a second person, and asks Stripe for it once, by the same rules as ever.

    Whoever approves is the operation's operator; `expected_rest_minor` as in RefundRequest. Raises OwnRefund, ApprovalIsOver and
    what `request_refund` raises; after RestHasChanged the refund waits still, after the others the approval stays decided, and
    says what came of it.
    """
    if approval.requested_by_id == user.pk:
        raise OwnRefund
    try:
        request = replace(_request_of(approval), expected_rest_minor=expected_rest_minor)
        reserved = _decide_and_reserve(approval, request, note=note, user=user, actor=actor)
    except (ApprovalIsOver, RestHasChanged):
        raise
    except ServiceError as error:
        _decide(approval, ApprovalStatus.APPROVED, by=user, note=with_outcome(note, f"It was not refunded: {error.message}"))
        raise
    try:
        refund = finish_refund(reserved)
    except ServiceError as error:
        _note_failure(approval, reserved.operation, error, note=note)
        raise
    approval.note_outcome(note, f"It was refunded: {refund}.", refund)
    return refund


def _decide_and_reserve(approval: RefundApproval, request: RefundRequest, *, note: str, user: User, actor: Actor) -> Reserved:
    """The decision and the refund's operation, both or neither: a process may die at any moment.

    Before it the approval waits still, and may be decided again. After it recovery asks Stripe for the refund, under the key of
    that one operation, whoever else is at it.
    """
    with transaction.atomic(durable=True):
        _decide(approval, ApprovalStatus.APPROVED, by=user, note=note)
        reserved = reserve_refund(request, actor=actor)
        told = f"It is asked for by operation {reserved.operation.pk}."
        approval.note_outcome(note, told, Refund.objects.get(pk=reserved.operation.subject_id))
    return reserved


def _decide(approval: RefundApproval, status: ApprovalStatus, *, by: User, note: str) -> None:
    if not approval.decide(status, by=by, note=note):
        raise ApprovalIsOver


def _note_failure(approval: RefundApproval, operation: Operation, error: ServiceError, *, note: str) -> None:
    operation.refresh_from_db()
    is_unknown = f"Its outcome is not known yet: operation {operation.pk}."
    told = is_unknown if operation.is_open else f"It was not refunded: {error.message}"
    approval.note_outcome(note, told, Refund.objects.get(pk=operation.subject_id))


def refuse_refund(approval: RefundApproval, *, note: str, user: User) -> None:
    """Decides against a waiting refund, as a second person. Raises OwnRefund and ApprovalIsOver."""
    if approval.requested_by_id == user.pk:
        raise OwnRefund
    _decide(approval, ApprovalStatus.REFUSED, by=user, note=note)


def withdraw_refund(approval: RefundApproval, *, note: str, user: User) -> None:
    """Whoever asked for a waiting refund takes it back. Raises NotOwnRefund and ApprovalIsOver."""
    if approval.requested_by_id != user.pk:
        raise NotOwnRefund
    _decide(approval, ApprovalStatus.WITHDRAWN, by=user, note=note)


def _request_of(approval: RefundApproval) -> RefundRequest:
    return RefundRequest(
        payment=approval.transaction,
        amount_minor=approval.amount_minor,
        reason=approval.stripe_reason,
        refund_application_fee=approval.refund_application_fee,
        approved=True,
    )
