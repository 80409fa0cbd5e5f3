"""Lists as CSV: exactly the records that a list shows by its filters and its search, all of them, however many.

They are streamed: read and written some at a time, so that a process holds a few thousand rows of a million. Between two pieces
the database connection is given back, since whoever downloads may be slow and there are few connections.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse

from commercecore_payments.admin.lists import BoundedChangeList, BoundedLists
from commercecore_payments.clock import now
from commercecore_payments.money import decimals
from commercecore_payments.spreadsheets import without_formula
from staff.audit import Outcome, record_action
from staff.rights import Right

# Of one query: some megabytes, read within some ten milliseconds.
ROWS_AT_ONCE = 2000
MINOR = "_minor"


class ExportableChangeList(BoundedChangeList):
    """Knows where the records that it shows are exported; nowhere for those who may not."""

    export_address = ""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.model_admin.has_export_permission(request):  # type: ignore[attr-defined]
            address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")
            self.export_address = address + self.get_query_string(remove=["p"])


class ExportableAdmin(BoundedLists):
    """A list that can be exported.

    `export_fields` are the columns, by lookups such as `account__email`. One that ends in `_minor` becomes two: the minor units
    as they are, and the amount with decimals in the record's currency, which stands among the columns before it.
    """

    export_fields: Sequence[str] = ()
    # The export begins with the newest by this time, which never changes; an index leads through it.
    export_ordering = "created_at"

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(Right.EXPORT_RECORDS.permission) and self.has_view_permission(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ExportableChangeList

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name=f"{self.opts.app_label}_{self.opts.model_name}_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """The records by the filters and the search of the address, as CSV."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist") + "?e=1")
        self._record_export(request)
        name = f"{self.opts.verbose_name_plural}-{now():%Y-%m-%d}.csv".replace(" ", "-")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(self._lines(rows), content_type="text/csv; charset=utf-8", headers=headers)

    def _record_export(self, request: HttpRequest) -> None:
        """Who took which records with them is in the audit log, under the user."""
        what = str(self.opts.verbose_name_plural)
        record_action(
            request.user,  # type: ignore[arg-type]  # somebody who is logged in
            user=request.user,  # type: ignore[arg-type]
            action=f"Export {what}",
            reason="",
            outcome=Outcome.DONE,
            message=f"Exported {what} as CSV: {'all' if not request.GET else 'by the filters below'}.",
            answers={name: ", ".join(request.GET.getlist(name)) for name in request.GET},
            request_id=getattr(request, "request_id", ""),
        )

    def _lines(self, rows: QuerySet[Any]) -> Iterator[str]:
        writer = csv.writer(_Echo())
        fields = self.export_fields
        yield writer.writerow([column for field in fields for column in _columns(field)])
        for piece in pieces(rows, fields, self.export_ordering):
            yield "".join([writer.writerow(_cells(fields, values)) for values in piece])


class _Echo:
    """A file that hands each line back to whoever wrote it."""

    def write(self, line: str) -> str:
        return line


def pieces(rows: QuerySet[Any], fields: Sequence[str], moment: str) -> Iterator[list[tuple[Any, ...]]]:
    """The values of `fields` of all rows, the newest by `moment` first; each piece begins where the last one ended."""
    newest_first = rows.order_by(f"-{moment}", "-pk").values_list(*fields, moment, "pk")
    piece = list(newest_first[:ROWS_AT_ONCE])
    while piece:
        connection.close()
        yield piece
        at, key = piece[-1][-2:]
        older = Q(**{f"{moment}__lt": at}) | Q(**{moment: at}, pk__lt=key)
        # The second condition follows from the first, and tells the database where in the index to begin.
        rest = newest_first.filter(older, **{f"{moment}__lte": at})
        piece = list(rest[:ROWS_AT_ONCE]) if len(piece) == ROWS_AT_ONCE else []


def _columns(field: str) -> tuple[str, ...]:
    name = field.replace("__", "_")
    return (name, name.removesuffix(MINOR)) if field.endswith(MINOR) else (name,)


def _cells(fields: Sequence[str], values: Sequence[Any]) -> list[str]:
    cells: list[str] = []
    currency = ""
    for field, value in zip(fields, values, strict=False):
        cells.append(_cell(value))
        if field == "currency":
            currency = value
        elif field.endswith(MINOR):
            cells.append(_decimal(value, currency))
    return cells


def _cell(value: Any) -> str:
    """Times as ISO 8601 in UTC; texts so that no spreadsheet calculates with them."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return str(without_formula(str(value)))


def _decimal(amount_minor: int, currency: str) -> str:
    """The amount as a number for programs: `-1234.50`."""
    places = decimals(currency)
    whole, rest = divmod(abs(amount_minor), 10**places)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole}.{rest:0{places}d}" if places else f"{sign}{whole}"
