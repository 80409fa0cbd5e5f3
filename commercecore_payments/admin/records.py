"""The base classes of every record's pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from commercecore_payments.admin.actions import Perform, Question
from commercecore_payments.admin.unfolded import ModelAdmin
from commercecore_payments.errors import ServiceError

# Rows of a related table on a record's page: what fits a screen. The link below it leads to all of them.
RELATED_ROWS = 20


@dataclass(frozen=True, slots=True)
class RelatedTable:
    """Records that belong to the one on the page: a row of cells each, and the address of the list of them all."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    address: str = ""


# A name and what there is of it.
Fact = tuple[str, Any]


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


@dataclass(frozen=True, slots=True)
class Preface:
    """What is told before an action besides its own text: the facts, and what may go wrong."""

    facts: Sequence[Fact] = ()
    warning: str = ""


class RecordAdmin(ModelAdmin):
    """A record that is never deleted here: its history stays.

    `has_operate_permission` guards its actions. It is Django's permission "change" of the model, which has this one
    meaning where the record itself cannot be changed by hand.
    """

    actions = None
    show_full_result_count = False
    list_filter_submit = True
    change_form_before_template = "commercecore_payments/admin/briefing.html"
    change_form_after_template = "commercecore_payments/admin/related_tables.html"
    actions_detail: Sequence[str] = ()
    # What the record's operations are searched by, beside their own ids: lookups such as `order_id__startswith`.
    search_fields_of_operations: Sequence[str] = ()
    # What `name_of` and `stake_of` read along with the record.
    related_to_its_name: Sequence[str] = ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        codename = get_permission_codename("change", self.opts)
        return bool(request.user.has_perm(f"{self.opts.app_label}.{codename}"))

    def related_tables(self, record: Any) -> Iterable[RelatedTable]:
        """What is shown below the record's own fields."""
        return ()

    def briefing(self, record: Any) -> Briefing | None:
        """What is explained above the record's own fields; None where nothing is."""
        return None

    def tables_before(self, record: Any) -> Iterable[RelatedTable]:
        """What is shown above the record's own fields."""
        return ()

    def preface(self, record: Any, action: str) -> Preface:
        """What is told before `action`, one of `actions_detail`."""
        return Preface()

    def name_of(self, record: Any) -> str:
        """What people call the record: its id at Stripe, or what it is about before it has one."""
        return str(record)

    def names_of(self, keys: Iterable[Any]) -> dict[Any, str]:
        """The names of the records with these keys, read by one query."""
        records = self.model._default_manager.filter(pk__in=keys).select_related(*self.related_to_its_name)
        return {record.pk: self.name_of(record) for record in records}

    def stake_of(self, record: Any) -> Stake:
        """What is at stake with the record while an operation about it has no known outcome."""
        return Stake()

    def actions_for(self, record: Any) -> Sequence[str]:
        """The names of those of `actions_detail` that make sense for the record as it is now."""
        return self.actions_detail

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
            context["related_tables"] = self.related_tables(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """django-unfold's hook: the buttons above the record."""
        record = self.get_object(request, unquote(object_id))
        if record is None:
            return []
        offered = self.actions_for(record)
        permitted: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        return [button for button in permitted if button.path in offered]

    def ask_or_perform(self, request: HttpRequest, object_id: str, question: Question, perform: Perform) -> HttpResponse:
        """Asks on GET, and on a POST whose form has errors; else performs it, and shows what came of it."""
        record = self.get_object(request, unquote(object_id))
        if record is None:
            raise Http404
        if question.name not in self.actions_for(record):
            messages.error(request, f"“{question.title}” is not possible any more: the record has changed.")
            return self._back_to(record)
        form = question.form_class(request.POST if request.method == "POST" else None)
        if request.method != "POST" or not form.is_valid():
            preface = self.preface(record, question.name)
            content = {"title": question.title, "question": question, "form": form, "preface": preface}
            return self._page(request, record, "question", content)
        return self._perform(request, record, question, perform, form)

    def _perform(self, request: HttpRequest, record: Any, question: Question, perform: Perform, form: forms.Form) -> HttpResponse:
        try:
            done = perform(self, record, {**form.cleaned_data, "operator": request.user.get_username()})
        except ServiceError as error:
            messages.error(request, error.message)
            return self._back_to(record)
        self.log_change(request, record, f"{question.title}: {done.message}")
        if done.secret:
            return self._page(request, record, "shown_once", {"title": question.title, "done": done})
        messages.add_message(request, done.level, done.message)
        return self._back_to(record)

    def _page(self, request: HttpRequest, record: Any, name: str, content: dict[str, Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "record_name": self.name_of(record),
            "record_url": self._address_of(record),
            **content,
        }
        return TemplateResponse(request, f"commercecore_payments/admin/{name}.html", context)

    def _address_of(self, record: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(str(record.pk))])

    def _back_to(self, record: Any) -> HttpResponse:
        return HttpResponseRedirect(self._address_of(record))


class ReadOnlyAdmin(RecordAdmin):
    """A record that stands for something at Stripe: nobody adds, changes or deletes it by hand, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
