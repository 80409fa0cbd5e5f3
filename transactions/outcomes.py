"""What came of a payment, as its figures are counted and its list is filtered: each payment has one outcome."""

from collections.abc import Mapping

from django.db.models import Case, CharField, Q, TextChoices, Value, When

from transactions.models import Status


class Outcome(TextChoices):
    PAID = "paid"  # money was captured, some of which may have been refunded since
    HELD = "held"  # the bank said yes, and nothing is captured yet
    DECLINED = "declined"  # the last attempt failed, and no later one went through
    OPEN = "open", "Neither"  # not tried, under way, or given up without an attempt that failed


# The bank said yes: what counts as a success.
ACCEPTED = (Outcome.PAID, Outcome.HELD)

_NOTHING_CAPTURED = Q(amount_received_minor=0)
_HELD = Q(status=Status.REQUIRES_CAPTURE)
# Stripe's last_payment_error, which a later success clears (docs.stripe.com/api/payment_intents/object).
_FAILED = ~Q(error_code="")
CONDITIONS: Mapping[Outcome, Q] = {
    Outcome.PAID: Q(amount_received_minor__gt=0),
    Outcome.HELD: _HELD & _NOTHING_CAPTURED,
    Outcome.DECLINED: _FAILED & ~_HELD & _NOTHING_CAPTURED,
    Outcome.OPEN: ~_FAILED & ~_HELD & _NOTHING_CAPTURED,
}


def outcome_of_each() -> Case:
    """The outcome of each row, for a query."""
    whens = [When(condition, then=Value(outcome.value)) for outcome, condition in CONDITIONS.items()]
    return Case(*whens, default=Value(Outcome.OPEN.value), output_field=CharField())
