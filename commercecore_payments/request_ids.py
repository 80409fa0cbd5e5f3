"""The id of a request: the caller's or the proxy's own `X-Request-ID` where it is well formed, else one of ours.

It finds a request again, in logs, errors and records. It proves nothing and opens nothing: whoever sends it chooses it, two
requests may carry the same one, and no route looks anything up by it.
"""

import re

from django.http import HttpRequest

from commercecore_payments.identifiers import new_identifier
from commercecore_payments.logs import holds_secret

HEADER = "X-Request-ID"
# What Operation.request_id holds, the narrowest of the columns that keep it; a UUID has 36 letters.
MAX_LENGTH = 40
# Letters that mean nothing to a shell, a terminal, HTML, a query or a log.
WELL_FORMED = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_LENGTH}}}")
# Stripe's own request ids have 14 letters; where we refuse without asking Stripe, ours stands in their place.
OWN_LENGTH = 14


def is_request_id(text: str) -> bool:
    """Whether a request may be called so. What looks like a credential is none: somebody sent it in the wrong header."""
    return WELL_FORMED.fullmatch(text) is not None and not holds_secret(text)


def request_id_of(request: HttpRequest) -> str:
    """The id that came with the request; a new `req_…` where none came, or one that is not well formed."""
    sent: str = request.META.get("HTTP_X_REQUEST_ID", "")
    return sent if sent and is_request_id(sent) else new_identifier("req", OWN_LENGTH)
