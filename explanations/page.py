"""An explanation as the payment's page in the admin shows it: icons, labels, and links to the records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse

from commercecore_payments.admin.display import list_address
from explanations.explaining import explain
from explanations.structure import NOTHING_TO_DO, Detail, Entry, Kind, RecordKey, Tone, Verdict, WaitsFor
from gateway.models import Operation
from stripe_events.models import StripeEvent
from transactions.models import Transaction
from webhooks.models import Event

# Names of Material Symbols, which come with django-unfold, and what they stand for.
ICONS: dict[Kind, tuple[str, str]] = {
    Kind.REQUEST: ("login", "Request"),
    Kind.OPERATION: ("sync_alt", "Stripe"),
    Kind.RECOVERY: ("healing", "Recovery"),
    Kind.STRIPE_EVENT: ("move_to_inbox", "Event in"),
    Kind.EVENT: ("campaign", "Event out"),
    Kind.DELIVERY: ("outbox", "Delivery"),
    Kind.REFUND: ("undo", "Refund"),
    Kind.DISPUTE: ("gavel", "Dispute"),
    Kind.HOLD: ("hourglass", "Hold"),
    Kind.STAFF: ("badge", "Staff"),
    Kind.CASE: ("balance", "Case"),
}
WAITS: dict[WaitsFor, str] = {
    WaitsFor.BUYER: "Waits for the buyer",
    WaitsFor.SELLER: "Waits for the seller",
    WaitsFor.US: "Waits for us",
    WaitsFor.STRIPE: "Waits for Stripe",
    WaitsFor.NOBODY: "Nothing to do",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as it is shown. `address` is the page of its record, empty where it has none of its own."""

    at: datetime
    icon: str
    label: str
    text: str
    tone: Tone
    details: Sequence[Detail]
    address: str


@dataclass(frozen=True, slots=True)
class Day:
    """The lines of one day, in UTC."""

    day: date
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Page:
    """`tone` is that of the verdict, `next_step` empty where there is none; `ahead` are the lines that are still to come."""

    verdict: Verdict
    tone: Tone
    waits: str
    next_step: str
    address: str
    facts: Sequence[Detail]
    days: Sequence[Day]
    ahead: Sequence[Line]
    left_out: Sequence[str]
    lists: Sequence[tuple[str, str]]


def page_of(payment: Transaction) -> Page:
    """The payment explained to the staff, with the addresses of the lists of all that is about it."""
    explanation = explain(payment)
    past = [entry for entry in explanation.timeline if not entry.is_ahead]
    days = [Day(day, [_line(one) for one in of_day]) for day, of_day in groupby(past, key=lambda entry: entry.at.date())]
    verdict = explanation.verdict
    return Page(
        verdict=verdict,
        tone=_tone_of(verdict),
        waits=WAITS[verdict.waits_for],
        address=_address(verdict.record),
        next_step="" if verdict.next_step == NOTHING_TO_DO else verdict.next_step,
        facts=explanation.facts,
        days=days,
        ahead=[_line(entry) for entry in explanation.timeline if entry.is_ahead],
        left_out=[str(one) for one in explanation.left_out],
        lists=_lists(payment),
    )


def _lists(payment: Transaction) -> list[tuple[str, str]]:
    """By its id the search of operations and events finds what is about its refunds and disputes, too."""
    name = payment.stripe_payment_intent_id or payment.order_id
    models = (("Operations", Operation), ("Events of Stripe about the payment intent", StripeEvent), ("Events to the app", Event))
    return [(title, list_address(model, q=name)) for title, model in models]


def _tone_of(verdict: Verdict) -> Tone:
    if verdict.is_problem:
        return Tone.BAD
    return Tone.GOOD if verdict.waits_for == WaitsFor.NOBODY else Tone.WAITING


def _line(entry: Entry) -> Line:
    icon, label = ICONS[entry.kind]
    return Line(entry.at, icon, label, entry.text, entry.tone, entry.details, _address(entry.record))


def _address(record: RecordKey | None) -> str:
    if record is None:
        return ""
    return reverse(f"admin:{record.model.replace('.', '_')}_change", args=[quote(record.key)]) if _has_a_page(record) else ""


def _has_a_page(record: RecordKey) -> bool:
    return admin.site.is_registered(apps.get_model(record.model))
