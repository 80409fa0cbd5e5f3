"""What is done with a caller's Idempotency-Key: it is held for one attempt, then answered, freed or forgotten."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import Error as DatabaseFailure
from django.db import IntegrityError, transaction

from commercecore_payments.actors import Actor, HeldKey
from commercecore_payments.clock import DatabaseNow, database_now, now
from commercecore_payments.statements import Unless, While, insert, update
from gateway.models import CALL_BUDGET, OPEN_STATUSES, Operation
from idempotency.encryption import decrypt, encrypt
from idempotency.errors import KeyInUse, KeyReused
from idempotency.models import IdempotencyKey

logger = logging.getLogger(__name__)

# The calls of the longest request that is usual: a confirmation that continues an earlier one looks at its clone or makes it,
# looks at the intent and confirms it. One that goes on for longer, such as a deletion that has many payments to read first,
# loses the key to whoever repeats it by then, and `keep_hold` refuses it from then on.
CALLS_OF_THE_LONGEST_REQUEST = 4
LEASE = CALLS_OF_THE_LONGEST_REQUEST * CALL_BUDGET
# 24 hours are promised, as by Stripe. Three days let a caller who noticed a failure on Friday evening repeat on Monday.
RETENTION = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a request was answered first, in its own API version."""

    status_code: int
    body: Any = field(repr=False)
    api_version: str


def hold_key(*, key: str, fingerprint: str, actor: Actor) -> HeldKey | StoredAnswer:
    """Takes the key for one attempt at the request of this fingerprint, or finds the answer that it was given before.

    A key whose holder has died is taken over once its lease has lapsed. Raises KeyReused where it stands for another
    request, KeyInUse while it is held, and AnswerUnreadable.
    """
    scope = {"developer": actor.developer, "app_id": actor.app.pk if actor.app is not None else "", "key": key}
    row = IdempotencyKey(**scope, fingerprint=fingerprint)
    try:
        insert(row, times={"held_until": LEASE})
    except IntegrityError:  # sent before: the unique constraint decides, so of any number of callers one is the first
        return _take_over(scope, fingerprint)
    return HeldKey(row_id=row.pk, attempt=row.attempt)


def _take_over(scope: Mapping[str, Any], fingerprint: str) -> HeldKey | StoredAnswer:
    """Takes a key that was sent before, where nobody holds it and it has no answer. Raises as `hold_key`."""
    rows = IdempotencyKey.objects.filter(**scope)
    with transaction.atomic(durable=True):
        moment = database_now()
        taken = rows.take(fingerprint, moment=moment, until=moment + LEASE)
        row: IdempotencyKey | None = rows.first()
    if taken and row is not None:
        return HeldKey(row_id=row.pk, attempt=row.attempt)
    return _answer_of(row, fingerprint)


def _answer_of(row: IdempotencyKey | None, fingerprint: str) -> StoredAnswer:
    if row is None:  # its holder has just forgotten it
        raise KeyInUse
    if row.fingerprint != fingerprint:
        raise KeyReused
    if row.status_code is None:
        raise KeyInUse
    body = json.loads(decrypt(row.answer, key_id=row.encryption_key_id))
    return StoredAnswer(status_code=row.status_code, body=body, api_version=row.api_version)


def keep_hold(held: HeldKey) -> None:
    """Call it in each transaction that reserves something under the key: its row stays locked until the end.

    Raises KeyInUse where another attempt has taken over the key: whoever was slow must not act any more.
    """
    if not IdempotencyKey.objects.held_by(held).select_for_update().exists():
        raise KeyInUse


def while_held(held: HeldKey) -> While:
    """The same for whatever is inserted in the very statement that locks the key; where it inserts nothing, raise KeyInUse."""
    return While(IdempotencyKey, {"id": held.row_id, "attempt": held.attempt, "answered_at": None})


def store_answer(held: HeldKey, *, status_code: int, body: str, api_version: str) -> None:
    """Keeps the answer for repeats: `body` is its JSON. Whoever has lost the key cannot store one.

    Nor is an answer final while an operation under the key is open, whatever it says: the key is freed instead.

    A database that fails is logged and not raised: what was done is told to the caller in any case. The key then stays
    held until its lease lapses, and a repeat finds what was done by the operations under it.
    """
    key_id, answer = encrypt(body)
    values = {
        "answered_at": now(),
        "status_code": status_code,
        "answer": answer,
        "encryption_key_id": key_id,
        "api_version": api_version,
    }
    still_held = {"attempt": held.attempt, "answered_at": None}
    try:
        stored = update(IdempotencyKey, held.row_id, values, guard=still_held, unless_exists=open_operations(held.row_id))
    except DatabaseFailure:
        logger.exception("idempotency key %s: its answer could not be stored", held.row_id)
        return
    if not stored:
        logger.warning("idempotency key %s: the answer of attempt %s is not final or came too late", held.row_id, held.attempt)
        free_key(held)


def open_operations(row_id: int) -> Unless:
    """The operations under a key whose outcome is not known."""
    return Unless(Operation, {"caller_key_id": row_id}, column="status", is_one_of=OPEN_STATUSES)


def free_key(held: HeldKey) -> None:
    """Lets the very same request be carried out again at once, and no other. A database that fails is logged, not raised."""
    try:
        IdempotencyKey.objects.held_by(held).update(held_until=DatabaseNow())
    except DatabaseFailure:
        logger.exception("idempotency key %s: it could not be freed before its lease lapses", held.row_id)


def forget_key(held: HeldKey) -> None:
    """As if the key had never been sent, unless something was reserved under it: then it is freed. Raises nothing more."""
    try:
        with transaction.atomic(durable=True):
            row = IdempotencyKey.objects.held_by(held).select_for_update().first()
            if row is not None and not row.operations.exists():
                row.delete()
                return
    except DatabaseFailure:
        logger.exception("idempotency key %s: it could not be forgotten", held.row_id)
    free_key(held)


def forget_old_keys(*, limit: int) -> int:
    """Deletes up to `limit` keys that nobody has used for RETENTION, the longest unused first; returns how many.

    Never one that is held, nor one with an operation whose outcome is not known: a repeat has to find it. Several workers
    may do it at once.
    """
    unused = IdempotencyKey.objects.filter(held_until__lt=database_now() - RETENTION)
    settled = unused.exclude(operations__status__in=OPEN_STATUSES)
    if not settled.exists():
        return 0  # a look first: on SQLite each transaction that may write waits for the one writer
    with transaction.atomic(durable=True):
        rows = list(settled.order_by("held_until").select_for_update(skip_locked=True)[:limit])
        IdempotencyKey.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)
