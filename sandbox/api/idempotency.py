"""Idempotency keys as Stripe keeps them (https://docs.stripe.com/api/idempotent_requests).

A key belongs to an account. Its first request's status and body are kept once the request was begun, whatever they are,
and answered again for 24 hours; other parameters under the key are a 400, and a request still in flight is a 409.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction

from sandbox.api.errors import KeyInUse, ParameterRefused, StripeError
from sandbox.api.wire import Answer, Request
from sandbox.models import ID_LENGTH, SandboxIdempotencyKey
from sandbox.objects import ids
from sandbox.timeline import clock

# "Keys are eligible to be removed after they're at least 24 hours old", and "up to 255 characters": the same page.
KEPT_FOR = timedelta(hours=24)
MAXIMUM_LENGTH = 255
# No request of the sandbox takes this long: one that is still in flight then was killed. Its effect was rolled back with
# its transaction, so the next request under the key takes its place.
ABANDONED_AFTER = timedelta(seconds=60)
_ATTEMPT_LENGTH = 32


class TakenOver(KeyInUse):
    """Another request took the place of this one, whose effect is rolled back."""


@dataclass(frozen=True)
class Claim:
    """The right to carry out a request under its key and to record the answer."""

    row_id: int
    attempt: str


def claim(request: Request) -> Claim | Answer:
    """Claims the request's key, or gives the answer that is kept under it.

    Raises a 400 (idempotency_error) for other parameters than the first ones, a 409 while the first is in flight.
    """
    if len(request.idempotency_key) > MAXIMUM_LENGTH:
        raise ParameterRefused(f"Idempotency keys can have up to {MAXIMUM_LENGTH} characters.", type="idempotency_error")
    prune()
    attempt = ids.random_letters(_ATTEMPT_LENGTH)
    try:
        with transaction.atomic():
            row = SandboxIdempotencyKey.objects.create(
                account=request.account[:ID_LENGTH],
                key=request.idempotency_key,
                fingerprint=fingerprint(request),
                attempt=attempt,
                claimed_at=clock.now(),
            )
    except IntegrityError:
        return _found(request, attempt)
    return Claim(row.pk, attempt)


def finish(claimed: Claim, answer: Answer) -> None:
    """Records the answer, in the transaction of its effect. Raises TakenOver where the claim is lost."""
    rows = SandboxIdempotencyKey.objects.filter(pk=claimed.row_id, attempt=claimed.attempt, status=0)
    original = answer.headers["Original-Request"]
    if rows.update(status=answer.status, body=answer.body, request_id=original) != 1:
        raise TakenOver


def give_back(claimed: Claim) -> None:
    """Forgets a request that was refused for its parameters: its key may be used again."""
    SandboxIdempotencyKey.objects.filter(pk=claimed.row_id, attempt=claimed.attempt, status=0).delete()


def prune() -> None:
    """Forgets keys that are older than 24 hours."""
    expired = SandboxIdempotencyKey.objects.filter(claimed_at__lte=clock.now() - KEPT_FOR)
    if expired.exists():  # a look first: on SQLite each write waits for the one writer
        expired.delete()


def fingerprint(request: Request) -> str:
    """A hash of what must be the same each time a key is used."""
    told = json.dumps([request.method, request.path, request.parameters], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _found(request: Request, attempt: str) -> Claim | Answer:
    with transaction.atomic():
        row = (
            SandboxIdempotencyKey.objects.select_for_update()
            .filter(account=request.account[:ID_LENGTH], key=request.idempotency_key)
            .first()
        )
        if row is None:  # its holder gave it back, or it was pruned, in this very moment
            raise KeyInUse
        if row.fingerprint != fingerprint(request):
            raise _other_parameters(request.idempotency_key)
        if row.status:
            return Answer(row.status, row.body, {"Idempotent-Replayed": "true", "Original-Request": row.request_id})
        if row.claimed_at > clock.now() - ABANDONED_AFTER:
            raise KeyInUse
        row.attempt, row.claimed_at = attempt, clock.now()
        row.save()
        return Claim(row.pk, attempt)


def _other_parameters(key: str) -> StripeError:
    return StripeError(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key "
        f"other than '{key}' if you meant to execute a different request.",
        type="idempotency_error",
    )
