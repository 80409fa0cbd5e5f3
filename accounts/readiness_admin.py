"""Readiness as operators see it: the sellers who cannot be paid, and what the page of an account says first."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import ConnectedAccount, Status
from accounts.readiness import Blocker, Readiness, WhoActs, readiness_of
from commercecore_payments.admin.display import link, list_address
from commercecore_payments.admin.records import Briefing, RelatedTable
from commercecore_payments.admin.unfolded import SimpleListFilter

# How an operator helps, by who has to act.
ADVICE = {
    WhoActs.SELLER: "The seller sends what is missing by a new onboarding link; what Stripe then says is seen here by itself.",
    WhoActs.PLATFORM: "The platform acts in Stripe's dashboard: Connect, the account.",
    WhoActs.STRIPE: "Nothing can be done here but wait; Stripe's dashboard says more, and its support decides.",
}
WHO_ACTS = {WhoActs.SELLER: "The seller", WhoActs.PLATFORM: "The platform", WhoActs.STRIPE: "Stripe"}
_CANNOT_BE_PAID = Q(charges_enabled=False) | Q(payouts_enabled=False)


def cannot_be_paid(accounts: QuerySet[Any]) -> QuerySet[Any]:
    """Those in use that cannot take payments, or are not paid out."""
    return accounts.filter(_CANNOT_BE_PAID, status=Status.ACTIVE)


class PayableFilter(SimpleListFilter):
    """Those in use who can be paid, and those who cannot."""

    title = "whether they can be paid"
    parameter_name = "payable"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Can be paid"), ("no", "Cannot be paid")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "no":
            return cannot_be_paid(queryset)
        return queryset.filter(status=Status.ACTIVE).exclude(_CANNOT_BE_PAID) if self.value() == "yes" else queryset


def cannot_be_paid_table(accounts: QuerySet[Any], *, rows: int) -> RelatedTable:
    """Of those who cannot be paid first who had been onboarded, then the newest; at most `rows` of them."""
    found = cannot_be_paid(accounts).order_by("-details_submitted", "-created_at", "-id")[:rows]
    shown = [(link(account), account.email, _cannot(account), _why(account)) for account in found]
    headers = ("Account", "Email", "Cannot", "Why")
    return RelatedTable("Sellers who cannot be paid", headers, shown, list_address(ConnectedAccount, payable="no"))


def _why(account: ConnectedAccount) -> str:
    """The first of what stands in the way, and how much more there is."""
    first, *others = readiness_of(account).blockers
    return f"{first.text} And {len(others)} more." if others else first.text


def _cannot(account: ConnectedAccount) -> str:
    if not account.charges_enabled and not account.payouts_enabled:
        return "Take payments, be paid out"
    return "Be paid out" if account.charges_enabled else "Take payments"


def readiness_briefing(account: ConnectedAccount) -> Briefing | None:
    """None where nothing stands in the way, and of an account that is gone."""
    if account.is_deleted:
        return None
    found = readiness_of(account)
    if not found.blockers:
        return None
    facts = [(f"{WHO_ACTS[one.who_acts]}{_until(one)}", one.text) for one in found.blockers]
    advice = [ADVICE[who_acts] for who_acts in dict.fromkeys(one.who_acts for one in found.blockers)]
    return Briefing(_title(found), _happened(found), facts, advice, is_urgent=not found.is_ready and account.details_submitted)


def _title(found: Readiness) -> str:
    if found.is_ready:
        return "This seller can be paid, and owes Stripe something"
    if not found.can_charge and not found.can_be_paid_out:
        return "This seller can neither take payments nor be paid out"
    return "This seller is not paid out" if found.can_charge else "This seller cannot take payments"


def _happened(found: Readiness) -> str:
    things = "One thing stands" if len(found.blockers) == 1 else f"{len(found.blockers)} things stand"
    return f"{things} in the way{', or will' if found.is_ready else ''}. Beside each is who has to act."


def _until(blocker: Blocker) -> str:
    return f", until {blocker.deadline:%Y-%m-%d %H:%M} UTC" if blocker.deadline is not None else ""
