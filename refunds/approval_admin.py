"""Refunds that wait for a second person, and those that were decided."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from commercecore_payments.admin.actions import Asked, Done, Preface, confirmed_action
from commercecore_payments.admin.display import BAD, EMPTY, GOOD, QUIET, WAITING, amount_of, label, link, linked
from commercecore_payments.admin.filters import CurrencyFilter, DateRangeFilter
from commercecore_payments.admin.records import Briefing, ReadOnlyAdmin, RelatedTable
from commercecore_payments.money import format_amount
from gateway.admin import operations_about
from gateway.models import Operation
from refunds.models import APPROVALS_WAIT_FOR, ApprovalStatus, RefundApproval
from refunds.operations import approve_refund, refuse_refund, withdraw_refund
from refunds.operations.request import refundable_minor
from refunds.previews import newest_refund_in_words, refund_in_words, refund_preview
from staff.rights import Right

STATUS_COLOURS: dict[str, str] = {
    ApprovalStatus.WAITING: WAITING,
    ApprovalStatus.APPROVED: GOOD,
    ApprovalStatus.REFUSED: BAD,
    ApprovalStatus.WITHDRAWN: QUIET,
    ApprovalStatus.EXPIRED: QUIET,
}


@admin.register(RefundApproval)
class RefundApprovalAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "status_label", "amount", "transaction_link", "requested_by", "requested_at", "decided_by")
    list_select_related = ("transaction", "requested_by", "decided_by")
    list_filter = (("status", ChoicesDropdownFilter), CurrencyFilter, ("requested_at", DateRangeFilter))
    search_fields = (
        "transaction__stripe_payment_intent_id__startswith",
        "transaction__order_id__startswith",
        "requested_by__username__startswith",
    )
    search_help_text = "An id (transaction, order), or the beginning of the username of whoever asked for it."
    actions_detail = ("approve", "refuse", "withdraw")
    fieldsets = (
        (None, {"fields": ("status_label", "amount", "transaction", "stripe_reason", "refund_application_fee")}),
        ("Asked for", {"fields": ("requested_by", "requested_at", "reason")}),
        ("Decided", {"fields": ("decided_by", "decided_at", "note", "refund_link")}),
    )

    amount = amount_of("amount_minor", description="amount")
    transaction_link = linked("transaction")

    @display(description="status", ordering="status")
    def status_label(self, approval: RefundApproval) -> str:
        status = ApprovalStatus(approval.status)
        if status == ApprovalStatus.WAITING and not approval.is_waiting:
            status = ApprovalStatus.EXPIRED
        return label(status.label, STATUS_COLOURS[status])

    @display(description="refund")
    def refund_link(self, approval: RefundApproval) -> str:
        """As it is now: whoever approved it may not have lived to be told what became of it."""
        refund = approval.refund
        return format_html("{} ({})", link(refund), refund.get_status_display().lower()) if refund is not None else EMPTY

    def briefing(self, record: RefundApproval) -> Briefing | None:
        if not record.is_waiting:
            return None
        amount, who = format_amount(record.amount_minor, record.currency), record.requested_by.get_username()
        lapses = f"{record.requested_at + APPROVALS_WAIT_FOR:%Y-%m-%d %H:%M} UTC"
        facts = [("Why", record.reason), ("Payment", link(record.transaction)), ("Lapses", lapses)]
        return Briefing(
            "This refund waits for a second person",
            f"{who} asked to refund {amount}. Nothing was sent to Stripe yet.",
            facts,
            ["Look at the payment, then approve or refuse it. Whoever asked for it can only withdraw it."],
        )

    def preface(self, record: RefundApproval, action: str) -> Preface:
        asked = [("Amount", format_amount(record.amount_minor, record.currency)), ("Asked for by", record.requested_by)]
        asked.append(("Why", record.reason))
        if action != "approve":
            return Preface(asked)
        preview = refund_preview(record.transaction, record.amount_minor, approved=True)
        return Preface([*asked, *preview.facts], preview.warning)

    def facts_behind(self, action: str, record: RefundApproval) -> Any:
        """What is left of the payment: after another refund somebody may decide otherwise."""
        return refundable_minor(record.transaction) if action == "approve" else None

    def what_happened(self, action: str, record: RefundApproval) -> str:
        if record.is_waiting:
            return newest_refund_in_words(record.transaction)
        return f"It is {record.get_status_display().lower()} by now."

    def related_tables(self, record: RefundApproval) -> Iterable[RelatedTable]:
        return [operations_about(record.refund)] if record.refund is not None else []

    def actions_for(self, record: RefundApproval) -> tuple[str, ...]:
        return self.actions_detail if record.is_waiting else ()

    def is_for(self, user: Any, record: RefundApproval, action: str) -> bool:
        """A second person decides; whoever asked can only take it back."""
        return (record.requested_by_id == user.pk) == (action == "withdraw")

    @confirmed_action(
        "Approve",
        right=Right.APPROVE_REFUND,
        text="Sends the money back to the buyer now, out of the seller's balance at Stripe. A refund cannot be taken back.",
        icon="check",
    )
    def approve(self, record: RefundApproval, asked: Asked) -> Done:
        payment = record.transaction
        actor = asked.actor(developer=payment.developer, app=payment.app)
        refund = approve_refund(record, note=asked.reason, user=asked.user, actor=actor, expected_rest_minor=asked.seen)
        operation = Operation.objects.of(refund).latest("created_at")
        return Done(refund_in_words(refund), operation_id=operation.pk)

    @confirmed_action("Refuse", right=Right.APPROVE_REFUND, text="Nothing is refunded. It can be asked for anew.", icon="block")
    def refuse(self, record: RefundApproval, asked: Asked) -> Done:
        refuse_refund(record, note=asked.reason, user=asked.user)
        return Done(f"The refund of {format_amount(record.amount_minor, record.currency)} is refused.")

    @confirmed_action("Withdraw", right=Right.REFUND, text="Nothing is refunded. It can be asked for anew.", icon="undo")
    def withdraw(self, record: RefundApproval, asked: Asked) -> Done:
        withdraw_refund(record, note=asked.reason, user=asked.user)
        return Done(f"The refund of {format_amount(record.amount_minor, record.currency)} is withdrawn.")
