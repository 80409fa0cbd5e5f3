"""The base classes of every record's pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from commercecore_payments.admin.actions import Fact
from commercecore_payments.admin.confirmation import ConfirmedActions
from commercecore_payments.admin.lists import BoundedLists
from commercecore_payments.admin_site import may_see

# Rows of a related table on a record's page: what fits a screen. The link below it leads to all of them.
RELATED_ROWS = 20


@dataclass(frozen=True, slots=True)
class RelatedTable:
    """Records that belong to the one on the page: a row of cells each, and the address of the list of them all.

    `of` is their model: whoever may not see its records is not shown the table.
    """

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    address: str = ""
    of: type[Model] | None = None

    def may_be_seen(self, request: HttpRequest) -> bool:
        """Whether the user may see records of this kind at all."""
        return self.of is None or may_see(self.of._meta.app_label, str(self.of._meta.model_name))(request)


@dataclass(frozen=True, slots=True)
class Stake:
    """What is at stake with a record whose operation has no known outcome: its money, its order and its payment."""

    amount_minor: int | None = None
    currency: str = ""
    order_id: str = ""
    payment: Model | None = None


@dataclass(frozen=True, slots=True)
class Briefing:
    """What stands at the top of a record's page where somebody has to understand or to decide something."""

    title: str
    happened: str
    facts: Sequence[Fact]
    advice: Sequence[str]
    is_urgent: bool = False


class RecordAdmin(BoundedLists, ConfirmedActions):
    """A record that is never deleted here: its history stays. Each of its actions takes a right of its own: staff/rights.py."""

    actions = None
    list_filter_submit = True
    change_form_before_template = "commercecore_payments/admin/briefing.html"
    change_form_after_template = "commercecore_payments/admin/related_tables.html"
    # What the record's operations are searched by, beside their own ids: lookups such as `order_id__startswith`.
    search_fields_of_operations: Sequence[str] = ()
    # What `name_of` and `stake_of` read along with the record.
    related_to_its_name: Sequence[str] = ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def related_tables(self, record: Any) -> Iterable[RelatedTable]:
        """What is shown below the record's own fields."""
        return ()

    def briefing(self, record: Any) -> Briefing | None:
        """What is explained above the record's own fields; None where nothing is."""
        return None

    def tables_before(self, record: Any) -> Iterable[RelatedTable]:
        """What is shown above the record's own fields."""
        return ()

    def names_of(self, keys: Iterable[Any]) -> dict[Any, str]:
        """The names of the records with these keys, read by one query."""
        records = self.model._default_manager.filter(pk__in=keys).select_related(*self.related_to_its_name)
        return {record.pk: self.name_of(record) for record in records}

    def stake_of(self, record: Any) -> Stake:
        """What is at stake with the record while an operation about it has no known outcome."""
        return Stake()

    def render_change_form(  # noqa: PLR0917 - the signature is Django's
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context["subtitle"] = self.name_of(obj)
            context["briefing"] = self.briefing(obj)
            context["tables_before"] = self.tables_before(obj)
            context["related_tables"] = [table for table in self.related_tables(obj) if table.may_be_seen(request)]
        return super().render_change_form(request, context, add, change, form_url, obj)


class ReadOnlyAdmin(RecordAdmin):
    """A record that stands for something at Stripe: nobody adds, changes or deletes it by hand, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
