"""What the staff does with refunds: asks for them, and decides those that wait for a second person."""

from dataclasses import replace

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from commercecore_payments.actors import Actor
from commercecore_payments.errors import ServiceError
from gateway.errors import OutcomeUnknown
from gateway.models import Operation
from refunds.errors import ApprovalIsOver, NeedsSecondPerson, NotOwnRefund, OwnRefund, RefundIsWaiting
from refunds.models import ApprovalStatus, Refund, RefundApproval
from refunds.operations.request import RefundRequest, request_refund, up_to_date


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


def approve_refund(approval: RefundApproval, *, note: str, user: User, actor: Actor) -> Refund:
    """Agrees to a waiting refund, as a second person, and asks Stripe for it once, by the same rules as ever.

    Whoever approves is the operation's operator. Raises OwnRefund, ApprovalIsOver and what `request_refund` raises; after
    those of `request_refund` the approval stays decided, and says what came of it.
    """
    if approval.requested_by_id == user.pk:
        raise OwnRefund
    if not approval.decide(ApprovalStatus.APPROVED, by=user, note=note):
        raise ApprovalIsOver
    try:
        refund = request_refund(_request_of(approval), actor=actor)
    except OutcomeUnknown as error:
        operation = Operation.objects.get(pk=error.operation_id)
        approval.note_outcome(f"Its outcome is not known yet: operation {operation.pk}.", _refund_of(operation))
        raise
    except ServiceError as error:
        approval.note_outcome(f"It was not refunded: {error.message}")
        raise
    approval.note_outcome(f"It was refunded: {refund}.", refund)
    return refund


def refuse_refund(approval: RefundApproval, *, note: str, user: User) -> None:
    """Decides against a waiting refund, as a second person. Raises OwnRefund and ApprovalIsOver."""
    if approval.requested_by_id == user.pk:
        raise OwnRefund
    if not approval.decide(ApprovalStatus.REFUSED, by=user, note=note):
        raise ApprovalIsOver


def withdraw_refund(approval: RefundApproval, *, note: str, user: User) -> None:
    """Whoever asked for a waiting refund takes it back. Raises NotOwnRefund and ApprovalIsOver."""
    if approval.requested_by_id != user.pk:
        raise NotOwnRefund
    if not approval.decide(ApprovalStatus.WITHDRAWN, by=user, note=note):
        raise ApprovalIsOver


def _request_of(approval: RefundApproval) -> RefundRequest:
    return RefundRequest(
        payment=approval.transaction,
        amount_minor=approval.amount_minor,
        reason=approval.stripe_reason,
        refund_application_fee=approval.refund_application_fee,
        approved=True,
    )


def _refund_of(operation: Operation) -> Refund | None:
    return Refund.objects.filter(pk=operation.subject_id).first()
