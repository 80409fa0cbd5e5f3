"""What a simulation is judged by at its end, beside the comparison of the books."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

from commercecore_payments.recovery import LOOKS_BEFORE_REVIEW
from gateway.models import Kind, Operation, RecoveryAttempt, Status
from proofs.books import MAKES, Books
from proofs.buyers import Payment
from proofs.findings import Finding, Rule

# Within this nothing is left to a person that Stripe has not answered with a 500: the same key is still safe.
KEYS_LIVE_FOR = timedelta(hours=23)


def reviews() -> Counter[str]:
    """What is left to a person, by its kind and Stripe's answer."""
    parked = Operation.objects.filter(status=Status.NEEDS_REVIEW)
    return Counter(f"{operation.kind} {operation.http_status or 'no answer'}" for operation in parked)


def unjustified_reviews(developer_id: str) -> Iterator[Finding]:
    """Only what makes an object at Stripe may be left to a person, and only where Stripe has made none and may not be asked
    again: after a 500, which it would replay, or when it has forgotten the key. And a deletion that was asked for a day ago.
    """
    parked = list(Operation.objects.filter(status=Status.NEEDS_REVIEW))
    made = Books.read(developer_id).made_by_operations() if parked else {}
    for operation in parked:
        is_decided_by_a_look = operation.kind not in (*MAKES, Kind.ACCOUNT_DELETE)
        if is_decided_by_a_look or operation.pk in made or not _was_beyond_repeating(operation):
            sentence = f"{operation.kind} is left to a person, and could be decided."
            yield Finding(Rule.REVIEW_NOT_JUSTIFIED, sentence, operation.pk)


def _was_beyond_repeating(operation: Operation) -> bool:
    """The looks that decided are the last ones: an earlier recovery may have failed before it could send again."""
    looks = operation.recovery_attempts.filter(act=RecoveryAttempt.Act.LOOKED).order_by("-id")
    decisive = list(looks[:LOOKS_BEFORE_REVIEW])
    in_time = any(look.created_at - operation.created_at < KEYS_LIVE_FOR for look in decisive)
    is_replayed = operation.http_status == 500 and operation.kind != Kind.ACCOUNT_DELETE
    return is_replayed or (len(decisive) == LOOKS_BEFORE_REVIEW and not in_time)


def charged_after_not_done(developer_id: str, given_up: Iterable[Payment]) -> Iterator[Finding]:
    """A buyer who was told that nothing was charged, and has bought the same by another order, is not charged after all."""
    books = Books.read(developer_id)
    for payment in given_up:
        kept = [charge for charge in books.charges_of(payment.transaction_id) if charge["status"] == "succeeded"]
        if any(charge["amount_refunded"] < charge["amount"] for charge in kept):
            sentence = f"The buyer of {payment.order_id} was told that nothing was charged, and is charged."
            yield Finding(Rule.CHARGED_AFTER_NOT_DONE, sentence, payment.transaction_id)
