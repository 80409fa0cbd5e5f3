"""The payment that an id is about: its own, or that of its order, charge, refund, dispute, operation or request."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT

from commercecore_payments.request_ids import is_request_id
from disputes.models import Dispute
from gateway.models import Operation, subject_type
from refunds.models import Refund
from stripe_events.models import StripeEvent
from transactions.models import Transaction

# More of them are not read: whoever names an order with so many payments has to name one of them.
MOST_FOUND = 20


def payments_called(identifier: str) -> list[Transaction]:
    """The payments that `identifier` may mean, the newest first, at most MOST_FOUND.

    Several only for the id of an order or of a request: callers choose both, and may choose the same twice. It is for the staff
    alone, whom it shows the payments of every developer.
    """
    if identifier == "" or not _is_text(identifier):
        return []
    found: QuerySet[Transaction] = Transaction.objects.select_related("account", "app").filter(
        # an app calls its orders and its requests as it likes: `re_1` may be one
        _has_the_id(identifier) | _is_of_a_request(identifier) | Q(order_id=identifier)
    )
    return list(found[:MOST_FOUND])


def _has_the_id(identifier: str) -> Q:
    """Keys are read first: one OR across two tables would read a whole one."""
    prefix = identifier.partition("_")[0]
    if prefix == "op":
        return _is_about(Operation.objects.filter(pk=identifier))
    if prefix == "req":  # Stripe's
        return _is_about(Operation.objects.filter(stripe_request_id=identifier))
    if prefix in ("re", "pyr"):
        return _is_one_of(Refund.objects.filter(stripe_refund_id=identifier).values_list("transaction", flat=True))
    if prefix in ("dp", "du"):
        return _is_one_of(Dispute.objects.filter(stripe_dispute_id=identifier).values_list("transaction", flat=True))
    if prefix in ("ch", "py"):
        return Q(stripe_charge_id=identifier) | Q(stripe_payment_intent_id__in=_payment_intents(identifier))
    return Q(stripe_payment_intent_id=identifier)


def _payment_intents(charge: str) -> list[str]:
    """Of the attempt to pay that made the charge: a payment knows its last one alone, and Stripe's events tell of each."""
    told = StripeEvent.objects.filter(object_id=charge).annotate(intent=KT("payload__data__object__payment_intent"))
    return [intent for intent in told.values_list("intent", flat=True)[:1] if intent]


def _is_of_a_request(identifier: str) -> Q:
    """The payments about which requests of this id wrote to Stripe: the newest, of as many operations as are read at most."""
    if not is_request_id(identifier):
        return _is_one_of([])
    return _is_about(Operation.objects.filter(request_id=identifier))


def _is_about(operations: QuerySet[Operation]) -> Q:
    """The payments that the newest of the operations are about, themselves or by a refund of theirs."""
    newest = operations.order_by("-created_at").values_list("subject_type", "subject_id")[:MOST_FOUND]
    keys: dict[str, list[int]] = {subject_type(Transaction): [], subject_type(Refund): []}
    for of_type, key in newest:
        keys.get(of_type, []).append(key)
    refunded = Refund.objects.filter(pk__in=keys[subject_type(Refund)]).values_list("transaction", flat=True)
    return _is_one_of([*keys[subject_type(Transaction)], *refunded])


def _is_one_of(keys: Iterable[int | None]) -> Q:
    return Q(pk__in=[key for key in keys if key is not None])


def _is_text(identifier: str) -> bool:
    """Whether a database takes it: a command line may hold bytes that are no text, which Python passes on as surrogates."""
    return "\x00" not in identifier and identifier == identifier.encode(errors="replace").decode()
