"""How the admin shows things: links between records, coloured labels, amounts with their currency, readable JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.admin import display
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from commercecore_payments.money import format_amount

EMPTY = "-"

# A column of a list or a field of a page: what a ModelAdmin shows of a record.
Shown = Callable[[Any, Any], str]

# django-unfold's names for the colours of a label, by what they mean here.
GOOD, BAD, WAITING, MOVING, QUIET = "success", "danger", "warning", "info", "default"


def link(record: Model | None, text: str = "") -> str:
    """A link to the record's own page, reading `text` or the record's name."""
    return EMPTY if record is None else link_to(type(record), record.pk, text or str(record))


def link_to(model: type[Model], key: Any, text: str) -> SafeString:
    """A link to the page of the record `key` of `model`, without asking the database for it."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[quote(str(key))])
    return format_html('<a class="text-link" href="{}">{}</a>', address, text)


def address_of(record: Model) -> str:
    """The address of the record's own page."""
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[quote(str(record.pk))])


def list_address(model: type[Model], **filters: Any) -> str:
    """The address of the list of `model`, showing the records that match `filters` alone."""
    return f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_changelist')}?{urlencode(filters)}"


def label(text: str, colour: str) -> SafeString:
    return SafeString(render_to_string("unfold/helpers/label.html", {"text": text, "type": colour}))


def status_label(record: Any, colours: Mapping[str, str]) -> SafeString:
    """The record's status as a label. One that is not in `colours` is new at Stripe, and shown as it came."""
    return label(record.get_status_display(), colours.get(record.status, QUIET))


def pretty_json(value: Any) -> str:
    """JSON over several lines, as people read it."""
    if value in ({}, [], None):
        return EMPTY
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="record-json">{}</pre>', text)


def code(text: str) -> str:
    """An identifier, in letters that can be told apart."""
    return format_html('<code class="record-code">{}</code>', text) if text else EMPTY


def shortened(text: str, length: int) -> str:
    """At most `length` letters of `text`; the whole of it when pointed at."""
    if len(text) <= length:
        return text or EMPTY
    return format_html('<span title="{}">{}…</span>', text, text[: length - 1].rstrip())


def linked(name: str) -> Shown:
    """A column that leads to a related record, reading its own name where it has one.

    The list has to select the record along: `list_select_related`.
    """

    @display(description=name, ordering=name)
    def shown(_admin: Any, record: Any) -> str:
        related = getattr(record, name)
        return link(related, getattr(related, "name", ""))

    return shown


def amount_of(name: str, *, description: str) -> Shown:
    """A column with an amount in minor units, shown in the record's currency: `10.00 USD`."""

    @display(description=description, ordering=name)
    def shown(_admin: Any, record: Any) -> str:
        return format_amount(getattr(record, name), record.currency)

    return shown


def status_in(colours: Mapping[str, str]) -> Shown:
    """A column with the record's status as a label."""

    @display(description="status", ordering="status")
    def shown(_admin: Any, record: Any) -> str:
        return status_label(record, colours)

    return shown
