"""What Stripe did beside what the operations say: everything done is one operation's, and none of it is called a failure."""

from collections import defaultdict
from collections.abc import Iterator

from gateway.models import OPEN_STATUSES, Kind, Operation, Status
from proofs.books import MAKES, Books, took_effect_or_may
from proofs.findings import Finding, Rule
from proofs.money_rules import confirmations_of
from sandbox.models import SandboxObject

FAILURES = (Status.DECLINED, Status.REJECTED, Status.NOT_SENT)
# A card that is declined while it is saved leaves its setup intent behind, which then waits for another card.
LEFT_BY_A_DECLINE = ("setup_intent", "requires_payment_method")


def each_object_has_its_operation(books: Books) -> Iterator[Finding]:
    """Every object that Stripe made is that of one operation of its kind, which made no other."""
    for operation_id, rows in books.made_by_operations().items():
        operation = books.operations.get(operation_id)
        for row in rows:
            if operation is None or MAKES.get(Kind(operation.kind)) != row.object_type:
                sentence = f"Stripe has a {row.object_type} that no operation asked for."
                yield Finding(Rule.DONE_WITHOUT_OPERATION, sentence, row.stripe_id)
        if operation is not None and len(rows) > 1:
            made = ", ".join(row.stripe_id for row in rows)
            yield Finding(Rule.DONE_TWICE, f"The operation took effect {len(rows)} times at Stripe: {made}.", operation_id)


def nothing_that_was_made_is_called_a_failure(books: Books) -> Iterator[Finding]:
    for operation_id, rows in books.made_by_operations().items():
        operation = books.operations.get(operation_id)
        if operation is None or operation.status not in FAILURES:
            continue
        for row in rows:
            if (row.object_type, row.data.get("status")) != LEFT_BY_A_DECLINE:
                yield _called_a_failure(operation, f"Stripe made the {row.object_type} {row.stripe_id}")


def nothing_that_was_paid_is_called_a_failure(books: Books) -> Iterator[Finding]:
    """Each charge that succeeded is that of a confirmation which says so, or whose outcome is still unknown."""
    for charge in books.stripe["charge"]:
        if charge.data["status"] == "failed":
            continue
        confirmations = confirmations_of(books, charge)
        if not confirmations:
            yield Finding(Rule.DONE_WITHOUT_OPERATION, "A buyer was charged, and no confirmation asked for it.", charge.stripe_id)
        elif not took_effect_or_may(confirmations):
            yield _called_a_failure(confirmations[-1], f"Stripe charged the buyer by {charge.stripe_id}")


def nothing_that_was_captured_is_called_a_failure(books: Books) -> Iterator[Finding]:
    for intent in books.stripe["payment_intent"]:
        if intent.data["capture_method"] == "manual" and intent.data["status"] == "succeeded":
            yield from _explained(books, intent, Kind.PAYMENT_INTENT_CAPTURE, "captured the payment")
            yield from _captured_what_was_asked(books, intent)


def _captured_what_was_asked(books: Books, intent: SandboxObject) -> Iterator[Finding]:
    captures = list(books.about_intent(Kind.PAYMENT_INTENT_CAPTURE, intent.stripe_id))
    possible = (found for found in captures if took_effect_or_may([found]))
    asked = {found.parameters.get("amount_to_capture", intent.data["amount"]) for found in possible}
    if asked and intent.data["amount_received"] not in asked:
        sentence = f"{intent.data['amount_received']} were captured, and {sorted(asked)} asked for."
        yield Finding(Rule.CAPTURED_TOO_MUCH, sentence, intent.stripe_id)


def nothing_that_was_canceled_is_called_a_failure(books: Books) -> Iterator[Finding]:
    for intent in books.stripe["payment_intent"]:
        # A hold that lapses is canceled by Stripe itself.
        if intent.data["status"] == "canceled" and intent.data["cancellation_reason"] != "automatic":
            yield from _explained(books, intent, Kind.PAYMENT_INTENT_CANCEL, "canceled the payment")


def _explained(books: Books, intent: SandboxObject, kind: Kind, done: str) -> Iterator[Finding]:
    operations = list(books.about_intent(kind, intent.stripe_id))
    if not operations:
        yield Finding(Rule.DONE_WITHOUT_OPERATION, f"Stripe {done}, and no operation asked for it.", intent.stripe_id)
    elif not took_effect_or_may(operations):
        yield _called_a_failure(operations[-1], f"Stripe {done} {intent.stripe_id}")


def what_succeeded_is_at_stripe(books: Books) -> Iterator[Finding]:
    """What an operation says it made is there, made by it, under the id that it says."""
    made = books.made_by_operations()
    gone = {row.stripe_id for row in books.stripe["account"] if row.deleted}
    for operation in books.operations.values():
        if operation.status != Status.SUCCEEDED or operation.kind not in MAKES:
            continue
        ids = {row.stripe_id for row in made.get(operation.pk, [])}
        account_is_gone = operation.kind == Kind.ACCOUNT_CREATE and operation.result_id not in ids
        if operation.result_id not in ids and not (account_is_gone and _was_deleted(books, operation, gone)):
            sentence = f"{operation.kind} says that it made {operation.result_id}, and Stripe shows no such object of it."
            yield Finding(Rule.RECORDED_AND_NOT_DONE, sentence, operation.pk)


def _was_deleted(books: Books, operation: Operation, gone: set[str]) -> bool:
    """Whether the account was made, and is gone by now: Stripe forgets its metadata."""
    deletions = (found for found in books.operations.values() if found.kind == Kind.ACCOUNT_DELETE)
    return operation.result_id in gone or any(found.target_id == operation.result_id for found in deletions)


def _called_a_failure(operation: Operation, done: str) -> Finding:
    sentence = f"{done}, and {operation.kind} is recorded as {operation.status} ({operation.error_message})."
    return Finding(Rule.DONE_AND_RECORDED_AS_FAILED, sentence, operation.pk)


def what_is_open_keeps_its_reservation(books: Books) -> Iterator[Finding]:
    """While an outcome is unknown, nobody else may have what it is about."""
    for refund in books.refunds:
        if books.has_open_operation("refund", refund.pk) and refund.status != "creating":
            sentence = f"The refund's outcome is unknown, and its amount is given away: it is {refund.status}."
            yield Finding(Rule.RESERVATION_LOST, sentence, str(refund.pk))
    for payment in books.payments:
        # What is canceled at Stripe is paid by nobody any more: a read may show it before its cancellation is settled.
        gave_it_up = not payment.holds_order and payment.status != "canceled"
        if books.has_open_operation("transaction", payment.pk) and gave_it_up:
            sentence = f"An outcome is unknown, and order {payment.order_id} may be paid by another payment."
            yield Finding(Rule.RESERVATION_LOST, sentence, str(payment.pk))
    for account in books.accounts.values():
        kinds = {found.kind for found in books.operations_of("connectedaccount", account.pk) if found.status in OPEN_STATUSES}
        if Kind.ACCOUNT_DELETE in kinds and account.status not in ("deleting", "deleted"):
            yield Finding(Rule.RESERVATION_LOST, "It is being deleted, and open for payments.", account.stripe_account_id)


def a_request_under_a_key_is_done_once(books: Books) -> Iterator[Finding]:
    """However often a caller repeats a request under its Idempotency-Key, each of its steps succeeds once at most.

    A clone moves no money and is used up by one attempt: where another request has used it, the repeat makes one of its own.
    """
    done: dict[tuple[int | None, str], list[str]] = defaultdict(list)
    for operation in books.operations.values():
        is_counted = operation.caller_key_id is not None and operation.kind != Kind.PAYMENT_METHOD_CLONE
        if is_counted and operation.status == Status.SUCCEEDED:
            done[operation.caller_key_id, operation.kind].append(operation.pk)
    for (_, kind), operations in done.items():
        if len(operations) > 1:
            sentence = f"{kind} was done {len(operations)} times for one request under one key: {', '.join(operations)}."
            yield Finding(Rule.DONE_TWICE, sentence, operations[0])


EFFECT_RULES = (
    a_request_under_a_key_is_done_once,
    each_object_has_its_operation,
    nothing_that_was_made_is_called_a_failure,
    nothing_that_was_paid_is_called_a_failure,
    nothing_that_was_captured_is_called_a_failure,
    nothing_that_was_canceled_is_called_a_failure,
    what_succeeded_is_at_stripe,
    what_is_open_keeps_its_reservation,
)
