"""Filters of the list of transactions."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from commercecore_payments.admin.unfolded import SimpleListFilter
from transactions.outcomes import ACCEPTED, CONDITIONS, Outcome


class OutcomeFilter(SimpleListFilter):
    """What came of a payment, and the two sums of outcomes that a success rate is made of."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        sums = [("accepted", "Accepted: paid or held"), ("decided", "Decided: accepted or declined")]
        return [*((outcome.value, outcome.label) for outcome in Outcome), *sums]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = Q()
        for outcome in outcomes_called(self.value() or ""):
            found |= CONDITIONS[outcome]
        return queryset.filter(found)


def outcomes_called(name: str) -> list[Outcome]:
    """The outcomes that a choice of the filter stands for; none where nothing is chosen."""
    if name == "decided":
        return [*ACCEPTED, Outcome.DECLINED]
    if name == "accepted":
        return list(ACCEPTED)
    return [Outcome(name)] if name in Outcome.values else []
