"""A request's Idempotency-Key as it comes over HTTP, and the answer to a repeat."""

import hashlib
import json

from rest_framework.request import Request
from rest_framework.response import Response

from commercecore_payments.versions import HEADER as VERSION_HEADER
from idempotency.errors import KeyInvalid
from idempotency.models import MAX_KEY_LENGTH
from idempotency.operations import StoredAnswer

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"  # Stripe's own name for it
# Those that change something.
KEYED_METHODS = ("POST", "DELETE")


def sent_key(request: Request) -> str | None:
    """The key of a request that changes something; None where it has none. Raises KeyInvalid.

    A blank one is refused: whoever sent it meant to be protected. Commas are taken: a header that was sent twice arrives
    joined by one, in the same order at each repeat, and is a key like any other. Spaces around it are not a part of it, for
    servers remove them or not (RFC 9110, section 5.5).
    """
    sent = request.headers.get(HEADER)
    if sent is None or request.method not in KEYED_METHODS:
        return None
    key = sent.strip(" ")
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise KeyInvalid
    return key


def fingerprint(request: Request, *, user_id: str) -> str:
    """What makes two requests the same: method, address, user and body, however its JSON is written.

    A trailing slash means nothing, and the query neither: it can name the app alone, which the key is scoped to. The API
    version is not part of it: a caller that moves on to the next one must still be told what became of its request. The
    body of a DELETE is nothing that any route reads.
    """
    body = request.data if request.method == "POST" else {}
    parts = [request.method, request.path.rstrip("/"), user_id, body]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def replay(answer: StoredAnswer) -> Response:
    """The first answer again, in the API version that it was given in."""
    headers = {REPLAYED_HEADER: "true", VERSION_HEADER: answer.api_version}
    return Response(answer.body, status=answer.status_code, headers=headers)
