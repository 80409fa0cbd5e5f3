"""Lists of any length: nothing here counts, sorts or searches a whole table."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import smart_split, unescape_string_literal

from commercecore_payments.admin.sorting import backwards, order_through
from commercecore_payments.admin.unfolded import ModelAdmin

# Counting and leafing stop here: nobody leafs through a hundred pages, and whether ten thousand or a million are found is the
# same to whoever looks, and not to the database.
MOST_COUNTED = 10_000
# As many records of another kind are looked up first, to find what belongs to them: the sellers with such an email, the payments
# of such an order. Where there are more, the search word is too short to be slow: what it finds lies everywhere.
MOST_RELATED = 1000
# A column by its place in the list, as `?o=` names it: "3", and "-3" for the greatest values first.
CHOICE = re.compile(r"-?(?P<number>[0-9]{1,3})")


def counted(rows: QuerySet[Any]) -> int:
    """How many rows there are, or MOST_COUNTED + 1 where there are more than MOST_COUNTED."""
    return rows.order_by()[: MOST_COUNTED + 1].count()


def count_in_words(count: int) -> str:
    """What `counted` found, as people read it."""
    return f"more than {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"


class BoundedPaginator(Paginator):
    """Counts at most MOST_COUNTED records, and has no pages beyond them: filters lead there."""

    # django-unfold's hook.
    template_name = "commercecore_payments/admin/pagination.html"

    @cached_property
    def count(self) -> int:
        return counted(self.object_list)  # type: ignore[arg-type]  # the admin hands over querysets alone

    @property
    def count_in_words(self) -> str:
        return count_in_words(self.count)

    @cached_property
    def num_pages(self) -> int:
        if self.count == 0 and not self.allow_empty_first_page:
            return 0
        shown = max(1, min(self.count, MOST_COUNTED) - self.orphans)
        return -(-shown // self.per_page)


class BoundedChangeList(ChangeList):
    """Says how many records were found below the list alone, where it is said as far as it was counted.

    It is sorted by one column at a time, in the order of the index that leads through it. What else an address asks for is as
    if it had not been asked.
    """

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count
        self.sortable_by = [str(name) for name in self.list_display if self.get_ordering_field(name)]

    def get_ordering_field(self, field_name: Any) -> str | None:
        """The column that the list is sorted by where `field_name` is chosen; None where no index leads through it."""
        column = super().get_ordering_field(field_name)
        return column if isinstance(column, str) and order_through(self.model, column) else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        asked = self.params.pop(ORDER_VAR, "")
        self.filter_params.pop(ORDER_VAR, None)  # the links of the page ask for no more than is taken
        for choice in asked.split("."):
            match = CHOICE.fullmatch(choice)
            number = int(match["number"]) if match is not None else len(self.list_display)
            column = self.get_ordering_field(self.list_display[number]) if number < len(self.list_display) else None
            if column is not None:
                self.params[ORDER_VAR], self.filter_params[ORDER_VAR] = choice, [choice]
                order = order_through(self.model, column)
                return list(backwards(order) if choice.startswith("-") else order)
        return list(super().get_ordering(request, queryset))


# Lookups by a regular expression: the database fails over an ill-formed one, and works as long as it likes on some others.
BY_PATTERN = frozenset({"regex", "iregex"})


class BoundedLists(ModelAdmin):
    """Finds by each word what has it in one of `search_fields`, each with its lookup.

    What the fields of related records hold is looked up there first. The database is then asked about the record's own
    columns alone, each of which has an index: one OR across two tables would read both of them whole.
    """

    show_full_result_count = False
    paginator = BoundedPaginator
    # What no page shows: a filter on it, which anybody can write into the address, would tell it letter by letter.
    secret_fields: Sequence[str] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """By Django's rule every column of the table can be asked for; here all but the secret ones, and none by a pattern."""
        name, *lookups = lookup.split(LOOKUP_SEP)
        if name in self.secret_fields or not BY_PATTERN.isdisjoint(lookups):
            return False
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
        return allowed

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        fields = [str(field) for field in self.search_fields]
        for word in words_of(search_term) if fields else ():
            queryset = queryset.filter(holding(queryset.model, fields, word))
        return queryset, False


def words_of(term: str) -> list[str]:
    """The words of what was typed; what stands in quotes is one of them."""
    words = smart_split(term)
    return [unescape_string_literal(word) if word[:1] in "\"'" and word[0] == word[-1] else word for word in words]


def holding(model: type[Model], fields: list[str], word: str) -> Q:
    """The records of `model` that have `word` in one of `fields`: a condition on its own columns wherever that is possible."""
    own, related = Q(), defaultdict(list)
    for field in fields:
        name, _, rest = field.partition(LOOKUP_SEP)
        if _is_column(model, name, rest):
            own |= Q(**{field: word})
        else:
            related[name].append(rest)
    found = [_belonging(model, name, rests, word) for name, rests in related.items()]
    for condition in found:
        own |= condition
    return own or Q(pk__in=[])


def _is_column(model: type[Model], name: str, rest: str) -> bool:
    """Whether `name` with the lookup `rest` asks a column of the table: also the id of a related record."""
    related = model._meta.get_field(name).related_model
    return related is None or rest.partition(LOOKUP_SEP)[0] in ("pk", related._meta.pk.name)


def _belonging(model: type[Model], name: str, rests: list[str], word: str) -> Q:
    """The records whose related record `name` has the word in one of `rests`."""
    other: Any = model._meta.get_field(name).related_model
    found = other._default_manager.filter(holding(other, rests, word)).order_by()
    keys = list(found.values_list("pk", flat=True)[: MOST_RELATED + 1])
    if len(keys) > MOST_RELATED:
        return Q(**{f"{name}__in": found.values("pk")})
    return Q(**{f"{name}__in": keys}) if keys else Q()
