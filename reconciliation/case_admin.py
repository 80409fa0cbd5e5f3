"""Cases as operators see them: what differs between our records and Stripe's books, and what would end it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter, MultipleChoicesDropdownFilter

from commercecore_payments.admin.actions import Asked, Done, Fact, Preface, confirmed_action
from commercecore_payments.admin.display import (
    BAD,
    EMPTY,
    GOOD,
    QUIET,
    amount_of,
    code,
    label,
    link,
    linked,
    list_address,
    pretty_json,
    shortened,
    status_in,
)
from commercecore_payments.admin.export import ExportableAdmin
from commercecore_payments.admin.filters import CurrencyFilter, DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, Briefing, ReadOnlyAdmin, RelatedTable
from commercecore_payments.money import format_amount
from reconciliation.decisions import close_case, compare_case_again, correct_case, may_be_corrected, may_be_mended, mend_case
from reconciliation.models import Case, Proposal
from staff.rights import Right
from transactions.models import Transaction

CASE_COLOURS: dict[str, str] = {
    Case.Status.OPEN: BAD,
    Case.Status.MENDED: GOOD,
    Case.Status.GONE: GOOD,
    Case.Status.ACCEPTED: QUIET,
}
# Letters of what differs in a list: two of its lines.
SUMMARY_LENGTH = 60
# What is advised for each proposal, to whoever reads a case.
ADVICE: dict[str, tuple[str, ...]] = {
    Proposal.RECORD: ("“Mend” reads it from Stripe and records it here. No money moves.",),
    Proposal.TAKE_OVER: ("“Mend” lets our record take over what Stripe says. No money moves.",),
    Proposal.CORRECT: (
        "No record becomes so by itself. Look at both sides: at Stripe's dashboard, and at the payment's page here.",
        "Where Stripe is right, “Correct our record” takes over what it says. No money moves.",
        "Where it is to stay so, accept it and say why.",
    ),
    Proposal.REFUND: (
        "Look at the payments of the order: has the buyer paid twice for the same thing?",
        "If so, refund the later one on its page. The case ends by itself with the next comparison, or with “Compare again”.",
        "If both are meant, accept it and say why.",
    ),
    Proposal.LOOK: (
        "Find out at Stripe's dashboard what it is, by its id.",
        "When it is settled, “Compare again”; where it is to stay so, accept it and say why.",
    ),
}


def cases_table(cases: QuerySet[Case], *, title: str = "Cases", **filters: Any) -> RelatedTable:
    """The newest of `cases`; `filters` show the same ones in the list."""
    rows = [
        (
            link(case, case.get_type_display()),
            label(case.get_status_display(), CASE_COLOURS[case.status]),
            case.object_id,
            format_amount(case.at_stake_minor, case.currency) if case.currency else EMPTY,
            case.opened_at,
            case.summary,
        )
        for case in cases[:RELATED_ROWS]
    ]
    headers = ("Case", "Status", "Object", "At stake", "Opened", "What differs")
    return RelatedTable(title, headers, rows, list_address(Case, **filters) if len(rows) == RELATED_ROWS else "")


@admin.register(Case)
class CaseAdmin(ExportableAdmin, ReadOnlyAdmin):
    list_display = ("type_shown", "status_label", "object_id", "stake", "what_differs", "account_link", "opened_at")
    list_select_related = ("account",)
    list_filter = (
        ("status", MultipleChoicesDropdownFilter),
        ("type", MultipleChoicesDropdownFilter),
        ("kind", MultipleChoicesDropdownFilter),
        CurrencyFilter,
        ("account", AutocompleteSelectFilter),
        ("opened_at", DateRangeFilter),
    )
    search_fields = (
        "object_id__startswith",
        "account_id_at_stripe__startswith",
        "transaction__stripe_payment_intent_id__startswith",
    )
    search_help_text = "An id: of the object, of the connected account, or of the payment."
    export_fields = (
        "id",
        "status",
        "type",
        "kind",
        "object_id",
        "account_id_at_stripe",
        "app_id",
        "transaction__stripe_payment_intent_id",
        "proposal",
        "currency",
        "at_stake_minor",
        "summary",
        "object_created_at",
        "opened_at",
        "last_seen_at",
        "closed_at",
        "closed_by",
        "closing_reason",
    )
    export_ordering = "opened_at"
    actions_detail = ("mend", "correct", "compare_again", "accept")
    fieldsets = (
        (None, {"fields": ("status_label", "type_shown", "summary", "stake", "object_shown", "account", "transaction")}),
        ("What came of it", {"fields": ("last_problem", "closed_at", "closed_by", "closing_reason")}),
        ("Record", {"fields": ("environment", "opened_at", "last_seen_at", "first_run", "last_run", "app")}),
    )

    status_label = status_in(CASE_COLOURS)
    stake = amount_of("at_stake_minor", description="at stake")
    account_link = linked("account")

    def name_of(self, record: Case) -> str:
        return f"{record.get_type_display()}: {record.get_kind_display().lower()} {record.object_id}"

    @display(description="type", ordering="type")
    def type_shown(self, case: Case) -> str:
        return case.get_type_display()

    @display(description="object")
    def object_shown(self, case: Case) -> str:
        return code(case.object_id)

    @display(description="what differs")
    def what_differs(self, case: Case) -> str:
        return shortened(case.summary, SUMMARY_LENGTH)

    def tables_before(self, record: Case) -> Iterable[RelatedTable]:
        """Both sides, fact by fact."""
        payments = [_payment(one, record) for one in _payments(record)]
        if payments:
            return [RelatedTable("Payments of the order", ("Payment", "Status", "Kept"), payments)]
        title = "Both sides" if record.is_open else "Both sides, as they were"
        return [RelatedTable(title, ("", "Here", "At Stripe", ""), [_sides(record, name) for name in _names(record)])]

    def briefing(self, record: Case) -> Briefing | None:
        """What differs and what would end it, while the case is open."""
        if not record.is_open:
            return None
        facts: list[Fact] = [("Object", code(record.object_id)), ("Account", link(record.account))]
        if record.transaction is not None:
            facts.append(("Payment", link(record.transaction)))
        if record.at_stake_minor:
            facts.append(("At stake", format_amount(record.at_stake_minor, record.currency)))
        if record.last_problem:
            facts.append(("Mending did not work", record.last_problem))
        return Briefing(
            title=record.get_type_display(),
            happened=record.summary,
            facts=facts,
            advice=ADVICE[record.proposal],
            is_urgent=record.at_stake_minor > 0,
        )

    def preface(self, record: Case, action: str) -> Preface:
        """What the decision rests on, as it is now: the case's page may have been open for a while."""
        facts: list[Fact] = [("What differs", record.summary)]
        if record.at_stake_minor:
            facts.append(("At stake", format_amount(record.at_stake_minor, record.currency)))
        payments = [(one["transaction_id"], f"{one['status']}, keeps {_payment(one, record)[-1]}") for one in _payments(record)]
        return Preface([*facts, *(payments or _both_sides(record))])

    def facts_behind(self, action: str, record: Case) -> Any:
        """To look at both sides anew is right whatever they said before."""
        return record.facts if action != "compare_again" else None

    def what_happened(self, action: str, record: Case) -> str:
        if record.is_open or record.closed_at is None:
            return ""
        ended, who = record.get_status_display().lower(), record.closed_by or "a comparison"
        return f"The case is {ended}, by {who} at {record.closed_at:%Y-%m-%d %H:%M} UTC."

    def actions_for(self, record: Case) -> list[str]:
        if not record.is_open:
            return []
        offered = ["mend"] if may_be_mended(record) else []
        offered += ["correct"] if may_be_corrected(record) else []
        return [*offered, "compare_again", "accept"]

    @confirmed_action(
        "Mend",
        right=Right.MEND_CASE,
        text="Our record takes over what Stripe says, and its app is told. Nothing is changed at Stripe, and no money moves.",
        icon="healing",
    )
    def mend(self, record: Case, asked: Asked) -> Done:
        return _told(mend_case(record, by=asked.operator, reason=asked.reason))

    @confirmed_action(
        "Correct our record",
        right=Right.MEND_CASE,
        text=(
            "Our record takes over what Stripe says, though no record becomes so by itself: what ours said is kept in this "
            "case alone. Nothing is changed at Stripe, and no money moves."
        ),
        icon="edit_note",
    )
    def correct(self, record: Case, asked: Asked) -> Done:
        return _told(correct_case(record, by=asked.operator, reason=asked.reason))

    @confirmed_action(
        "Compare again",
        right=Right.MEND_CASE,
        text="Reads both sides anew. A case whose sides agree by now is closed. Nothing else is changed, here or at Stripe.",
        icon="sync",
    )
    def compare_again(self, record: Case, asked: Asked) -> Done:
        return _told(compare_case_again(record, by=asked.operator))

    @confirmed_action(
        "Accept as it is",
        right=Right.CLOSE_CASE,
        text=(
            "Says that it may stay so, and closes the case. Nothing is changed, here or at Stripe. "
            "The case opens anew when either side changes."
        ),
        icon="check",
    )
    def accept(self, record: Case, asked: Asked) -> Done:
        return _told(close_case(record, by=asked.operator, reason=asked.reason))


def _payments(case: Case) -> list[dict[str, Any]]:
    """Those of an order that was probably paid twice."""
    payments: list[dict[str, Any]] = case.here.get("payments", [])
    return payments


def _names(case: Case) -> list[str]:
    """Of the facts that either side tells."""
    return [*case.there, *(name for name in case.here if name not in case.there)]


def _both_sides(case: Case) -> list[Fact]:
    """Each fact of either side, for whoever is about to decide."""
    sides = (_sides(case, name) for name in _names(case))
    return [
        (name.capitalize(), here if here == there else format_html("{} here, {} at Stripe", here, there))
        for name, here, there, _ in sides
    ]


def _sides(case: Case, name: str) -> tuple[str, str, str, str]:
    """One fact as each side tells it, and whether they differ: a side that tells nothing of it does not."""
    is_told = name in case.here and name in case.there
    differs = label("differs", BAD) if is_told and case.here[name] != case.there[name] else ""
    return (name.replace("_", " "), _fact(case, case.here, name), _fact(case, case.there, name), differs)


def _fact(case: Case, side: Mapping[str, Any], name: str) -> str:
    value = side.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return format_amount(value, str(side.get("currency") or case.currency))
    if isinstance(value, dict):
        return pretty_json(value)
    return EMPTY if value in (None, "") else str(value)


def _payment(payment: Mapping[str, Any], case: Case) -> tuple[str, str, str]:
    address = list_address(Transaction, q=payment["transaction_id"])
    found = format_html('<a class="text-link" href="{}">{}</a>', address, payment["transaction_id"])
    return found, payment["status"], format_amount(payment["kept"], case.currency)


def _told(case: Case) -> Done:
    return Done(f"The case is {case.get_status_display().lower()}.")
