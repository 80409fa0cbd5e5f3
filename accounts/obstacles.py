"""Sellers who cannot be paid, and why, as operators see them."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import ConnectedAccount, Status
from accounts.readiness import readiness_of
from commercecore_payments.admin.display import link, list_address
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.admin.unfolded import SimpleListFilter


def cannot_be_paid(accounts: QuerySet[Any]) -> QuerySet[Any]:
    """Those in use that cannot take payments, or are not paid out."""
    return accounts.filter(_OBSTACLE, status=Status.ACTIVE)


_OBSTACLE = Q(charges_enabled=False) | Q(payouts_enabled=False)


class PayableFilter(SimpleListFilter):
    """Those in use who can be paid, and those who cannot."""

    title = "whether they can be paid"
    parameter_name = "payable"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Can be paid"), ("no", "Cannot be paid")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "no":
            return cannot_be_paid(queryset)
        return queryset.filter(status=Status.ACTIVE).exclude(_OBSTACLE) if self.value() == "yes" else queryset


def why_not_paid(account: ConnectedAccount) -> str:
    """The first of what stands in the way, and how much more there is."""
    first, *others = readiness_of(account).blockers
    return f"{first.text} And {len(others)} more." if others else first.text


def obstacles_table(accounts: QuerySet[Any], *, rows: int) -> RelatedTable:
    """Of those who cannot be paid first who had been onboarded, then the newest; at most `rows` of them."""
    found = cannot_be_paid(accounts).order_by("-details_submitted", "-created_at", "-id")[:rows]
    shown = [(link(account), account.email, _cannot(account), why_not_paid(account)) for account in found]
    headers = ("Account", "Email", "Cannot", "Why")
    return RelatedTable("Sellers who cannot be paid", headers, shown, list_address(ConnectedAccount, payable="no"))


def _cannot(account: ConnectedAccount) -> str:
    if not account.charges_enabled and not account.payouts_enabled:
        return "Take payments, be paid out"
    return "Be paid out" if account.charges_enabled else "Take payments"
