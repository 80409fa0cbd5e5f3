"""Runs as operators see them: when our records were compared with Stripe's books, and what each comparison found."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from commercecore_payments.admin.actions import Asked, Done, Preface, confirmed_action
from commercecore_payments.admin.display import BAD, EMPTY, GOOD, MOVING, status_in
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import Briefing, ReadOnlyAdmin, RelatedTable
from commercecore_payments.money import format_amount
from reconciliation.by_worker import ask_for_run
from reconciliation.case_admin import CaseAdmin, cases_table
from reconciliation.drift_chart import drift_chart
from reconciliation.models import Case, DifferenceType, ObjectKind, Run
from reconciliation.running import scope_of
from reconciliation.scope import Scope
from staff.rights import Right

__all__ = ["CaseAdmin", "RunAdmin", "cases_table"]

RUN_COLOURS: dict[str, str] = {Run.Status.RUNNING: MOVING, Run.Status.FINISHED: GOOD, Run.Status.FAILED: BAD}
# Seconds: of what is longer nobody asks for a tenth.
TELL_TENTHS_BELOW_S = 10
MINUTES_OF_AN_HOUR = 60


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """The comparisons, the newest first, under a chart of how many differences each found."""

    list_display = (
        "__str__",
        "status_label",
        "started_at",
        "took",
        "asked_for",
        "compared_shown",
        "found",
        "mended",
        "left_open",
    )
    list_filter = (("status", MultipleChoicesDropdownFilter), ("started_at", DateRangeFilter))
    list_before_template = "reconciliation/drift.html"
    actions_detail = ("compare_anew",)
    actions_list = ("compare_everything",)
    fieldsets = (
        (
            None,
            {"fields": ("status_label", "compared_shown", "found", "mended", "left_open", "stake", "young", "accepted", "error")},
        ),
        ("What was compared", {"fields": ("asked_for", "asked_by")}),
        ("Record", {"fields": ("environment", "started_at", "finished_at", "took", "resumed", "holder")}),
    )

    status_label = status_in(RUN_COLOURS)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "drift": drift_chart()})

    @display(description="took")
    def took(self, run: Run) -> str:
        if run.finished_at is None:
            return EMPTY
        return _duration(run.finished_at - run.started_at).replace(" ", "\N{NO-BREAK SPACE}")

    @display(description="of")
    def asked_for(self, run: Run) -> str:
        return f"{scope_of(run).in_words}, mending" if run.mends else scope_of(run).in_words

    @display(description="objects compared")
    def compared_shown(self, run: Run) -> str:
        return f"{run.total_compared:,}"

    @display(description="differences")
    def found(self, run: Run) -> str:
        return f"{run.total_differences:,}"

    @display(description="at stake")
    def stake(self, run: Run) -> str:
        return ", ".join(format_amount(total, currency) for currency, total in run.at_stake.items()) or EMPTY

    def briefing(self, record: Run) -> Briefing | None:
        """What could not be compared, and why."""
        if not record.not_compared:
            return None
        return Briefing(
            title="Not all was compared",
            happened="What is named here could not be read to its end. The rest was compared all the same.",
            facts=list(record.not_compared.items()),
            advice=("End the cause that is named. Then “Compare anew”: nothing else tells whether these books agree.",),
        )

    def actions_for(self, record: Run) -> tuple[str, ...]:
        return ("compare_anew",) if record.status != Run.Status.RUNNING else ()

    def preface_of_list(self, action: str) -> Preface:
        """What the last one took: the next will take as long."""
        last = Run.objects.ended().of_everything().first()
        if last is None:
            return Preface([("Last time", "never")])
        found = f"{self.found(last)} differences in {self.compared_shown(last)} objects"
        began = f"{last.started_at:%Y-%m-%d %H:%M} UTC"
        return Preface([("Last time", began), ("It took", self.took(last)), ("It found", found)])

    @confirmed_action(
        "Compare everything",
        right=Right.RUN_RECONCILIATION,
        text=(
            "The worker compares all our records with all of Stripe's books, both ways. It opens and closes cases, and mends "
            "nothing. That may take hours where there are millions of payments."
        ),
        icon="fact_check",
    )
    def compare_everything(self, record: None, asked: Asked) -> Done:
        return _begun(ask_for_run(Scope(), mends=False, asked_by=asked.operator))

    @confirmed_action(
        "Compare anew",
        right=Right.RUN_RECONCILIATION,
        text=(
            "The worker compares the same once more: everything, or what this run was about. It opens and closes cases, and "
            "mends nothing. That may take hours where there are millions of payments."
        ),
        icon="fact_check",
    )
    def compare_anew(self, record: Run, asked: Asked) -> Done:
        return _begun(ask_for_run(scope_of(record), mends=False, asked_by=asked.operator))

    def related_tables(self, record: Run) -> Iterable[RelatedTable]:
        """Its figures in the order of the kinds, which PostgreSQL does not keep, and what no later run has found again."""
        kinds = [(kind.label, f"{record.compared[kind]:,}") for kind in ObjectKind if kind in record.compared]
        types = [(kind.label, f"{record.differences[kind]:,}") for kind in DifferenceType if kind in record.differences]
        return [
            RelatedTable("Compared, by kind", ("Kind", "Objects"), kinds),
            RelatedTable("Differences, by type", ("Type", "Differences"), types),
            cases_table(Case.objects.filter(last_run=record), title="Cases that it saw last", last_run__id__exact=record.pk),
        ]


def _begun(run: Run) -> Done:
    return Done(f"The worker begins {run} within moments.")


def _duration(took: timedelta) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`: two figures that one can compare at a glance."""
    seconds = took.total_seconds()
    if seconds < TELL_TENTHS_BELOW_S:
        return f"{seconds:.1f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < MINUTES_OF_AN_HOUR:
        return f"{minutes} min {rest_s} s" if minutes else f"{rest_s} s"
    return f"{minutes // 60} h {minutes % 60} min"
