"""A payout's statement in the admin: what it is made of, as far as fits a page."""

from itertools import islice
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from commercecore_payments.admin.display import EMPTY, code, link_to
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.errors import ServiceError
from commercecore_payments.money import format_amount
from gateway.listing import ASKED_ONCE
from payouts.models import Payout
from payouts.statement import Line, Statement, statement_of
from transactions.models import Transaction

# Five pages of Stripe's: some two seconds. What is longer is the command's, which tells it line by line.
MOST_LINES = 500
COMMAND = "manage.py payout_statement --account {account} --payout {payout}"


def statement_page(admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """The statement of one payout, for whoever may look at payouts. It only reads from Stripe."""
    payout = admin.get_object(request, object_id)
    if payout is None:
        raise Http404
    if not admin.has_view_permission(request, payout):
        raise PermissionDenied
    context = {
        **admin.admin_site.each_context(request),
        "title": "Statement",
        "subtitle": str(payout),
        "opts": admin.opts,
        "record_url": reverse("admin:payouts_payout_change", args=[payout.pk]),
        **_told(payout),
    }
    return TemplateResponse(request, "payouts/statement.html", context)


def _told(payout: Payout) -> dict[str, Any]:
    try:
        statement = statement_of(payout.stripe_payout_id, account=payout.account, waits_s=ASKED_ONCE)
        lines = list(islice(statement.lines(), MOST_LINES + 1))
    except ServiceError as error:
        return {"problem": error.message}
    command = COMMAND.format(account=payout.account, payout=payout)
    shown = lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        return {
            "problem": f"It has more than {MOST_LINES} lines. All of them, and the verdict: {command}",
            "tables": [_lines(shown)],
        }
    return {
        "facts": _facts(statement),
        "is_explained": statement.is_explained,
        "remark": statement.remark,
        "tables": [_totals(statement), _lines(shown)] if shown else [],
    }


def _facts(statement: Statement) -> list[tuple[str, str]]:
    return [
        ("Payout", f"{statement.payout_id} of {statement.account.stripe_account_id}"),
        ("Amount", format_amount(statement.amount_minor, statement.currency)),
        ("Explained", format_amount(statement.explained_minor, statement.currency)),
        ("Unexplained", format_amount(statement.unexplained_minor, statement.currency)),
    ]


def _totals(statement: Statement) -> RelatedTable:
    rows = [
        (
            kind,
            total.lines,
            *(format_amount(one, statement.currency) for one in (total.gross_minor, total.fee_minor, total.net_minor)),
        )
        for kind, total in sorted(statement.totals.items())
    ]
    return RelatedTable("Totals", ("Type", "Lines", "Gross", "Fee", "Net"), rows)


def _lines(lines: list[Line]) -> RelatedTable:
    keys = {line.record.transaction_id for line in lines if line.record is not None}
    payments = dict(
        Transaction.objects.filter(stripe_payment_intent_id__in=keys - {""}).values_list("stripe_payment_intent_id", "pk")
    )
    headers = ("Made", "Type", "Belongs to", "Order", "Gross", "Fee", "Net")
    return RelatedTable("Lines", headers, [_row(line, payments) for line in lines])


def _row(line: Line, payments: dict[str, int]) -> tuple[Any, ...]:
    record = line.record
    belongs_to = code(line.source or line.id) if record is None else code(record.record_id)
    if record is not None and record.transaction_id in payments:
        belongs_to = link_to(Transaction, payments[record.transaction_id], record.record_id)
    amounts = (format_amount(one, line.currency) for one in (line.gross_minor, line.fee_minor, line.net_minor))
    order = record.order_id or EMPTY if record is not None else "not explained"
    return (line.made_at, line.type, belongs_to, order, *amounts)
