"""The payment that an id is about: its own, or that of its order, charge, refund, dispute, operation or request."""

from django.db.models import Q, QuerySet

from disputes.models import Dispute
from gateway.models import Operation, subject_type
from refunds.models import Refund
from transactions.models import Transaction

# More of them are not read: whoever names an order with so many payments has to name one of them.
MOST_FOUND = 20


def payments_called(identifier: str) -> list[Transaction]:
    """The payments that `identifier` may mean, the newest first, at most MOST_FOUND: several only for the id of an order."""
    found: QuerySet[Transaction] = Transaction.objects.select_related("account", "app").filter(_is_called(identifier))
    return list(found[:MOST_FOUND])


def _is_called(identifier: str) -> Q:
    if identifier == "" or not _is_text(identifier):
        return Q(pk__in=[])
    prefix = identifier.partition("_")[0]
    if prefix == "op":
        return _is_about(Operation.objects.filter(pk=identifier).first())
    if prefix == "req":  # ours, as an error's `meta.request_id` tells it, or Stripe's
        named = Q(request_id=identifier) | Q(stripe_request_id=identifier)
        return _is_about(Operation.objects.filter(named).order_by("created_at").last())
    if prefix in ("re", "pyr"):
        return Q(pk__in=Refund.objects.filter(stripe_refund_id=identifier).values("transaction"))
    if prefix in ("dp", "du"):
        return Q(pk__in=Dispute.objects.filter(stripe_dispute_id=identifier).values("transaction"))
    return Q(stripe_payment_intent_id=identifier) | Q(stripe_charge_id=identifier) | Q(order_id=identifier)


def _is_about(operation: Operation | None) -> Q:
    if operation is None:
        return Q(pk__in=[])
    if operation.subject_type == subject_type(Refund):
        return Q(pk__in=Refund.objects.filter(pk=operation.subject_id).values("transaction"))
    return Q(pk=operation.subject_id) if operation.subject_type == subject_type(Transaction) else Q(pk__in=[])


def _is_text(identifier: str) -> bool:
    """Whether a database takes it: a command line may hold bytes that are no text, which Python passes on as surrogates."""
    return "\x00" not in identifier and identifier == identifier.encode(errors="replace").decode()
