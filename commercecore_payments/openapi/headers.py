"""The headers of requests and answers, and the three ways in, as the API's description shows them."""

from collections.abc import Mapping

from commercecore_payments.openapi.shapes import Shape, const, count, one_of, request_id, text
from commercecore_payments.request_ids import HEADER as REQUEST_ID_HEADER
from commercecore_payments.request_ids import MAX_LENGTH as MAX_REQUEST_ID_LENGTH
from commercecore_payments.versions import DOCUMENTED, HEADER, VERSIONS
from idempotency.models import MAX_KEY_LENGTH
from idempotency.requests import HEADER as KEY_HEADER
from idempotency.requests import REPLAYED_HEADER

# Of `securitySchemes`: the name of each, and how it is sent.
SECURITY_SCHEMES: Mapping[str, Shape] = {
    "developerToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Developer-Token",
        "description": "The developer's token, with or without `Bearer `.",
    },
    "bearerToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same token in `Authorization`, instead of `X-Developer-Token`: one of the two is enough.",
    },
    "appId": {"type": "apiKey", "in": "header", "name": "X-App-ID", "description": "One of the developer's apps."},
    "appIdInQuery": {"type": "apiKey", "in": "query", "name": "app_id", "description": "The same in the address, instead."},
    "userId": {
        "type": "apiKey",
        "in": "header",
        "name": "X-User-ID",
        "description": "The app's own user: recorded, and trusted with nothing.",
    },
}
TOKENS, APP_IDS, USER_IDS = ("developerToken", "bearerToken"), ("appId", "appIdInQuery"), ("userId",)

# Of `components.parameters`.
PARAMETERS: Mapping[str, Shape] = {
    "Version": {
        "name": HEADER,
        "in": "header",
        "description": f"The version that answers. Without it, that of the app, else {DOCUMENTED}. Empty is none.",
        "schema": one_of((*VERSIONS, "")),
    },
    "RequestId": {
        "name": REQUEST_ID_HEADER,
        "in": "header",
        "description": (
            "Your own id of this request, which the answer repeats, for whoever runs this service: "
            f"up to {MAX_REQUEST_ID_LENGTH} letters, digits, `_`, `.` and `-`. Any other gives way to one of ours."
        ),
        "schema": text(),  # no pattern: nothing is refused for it
    },
    "IdempotencyKey": {
        "name": KEY_HEADER,
        "in": "header",
        "description": "A key of your own. A repeat under it is given the first answer. Answers are kept for 72 hours.",
        "schema": text(minLength=1, maxLength=MAX_KEY_LENGTH, pattern="^[!-~]([ -~]*[!-~])?$"),
    },
    "Id": {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The id of the record.",
        "schema": text(pattern="^[A-Za-z0-9_]+$", maxLength=255),
    },
}

# Of `components.headers`. `required` is what comes with each answer that a view gave.
HEADERS: Mapping[str, Shape] = {
    HEADER: {"description": "The version in which the answer is given.", "required": True, "schema": one_of(VERSIONS)},
    REQUEST_ID_HEADER: {
        "description": "The id that the caller sent, or one of ours, by which whoever runs this service finds it.",
        "required": True,
        "schema": request_id(),
    },
    "Cache-Control": {"description": "Nothing may be kept on the way.", "required": True, "schema": const("no-store")},
    REPLAYED_HEADER: {
        "description": "`true` where the answer was given before, under the same Idempotency-Key.",
        "schema": const("true"),
    },
    "RateLimit-Limit": {
        "description": "How many requests a second the token or the app may send, whichever is used up sooner.",
        "schema": count(),
    },
    "RateLimit-Remaining": {"description": "How many of them are left at this moment.", "schema": count()},
    "RateLimit-Reset": {"description": "Seconds until all of them are there again.", "schema": count()},
    "Retry-After": {"description": "Seconds after which to ask again.", "schema": count()},
    "WWW-Authenticate": {
        "description": "How a token is sent (RFC 9110, section 11.6.1).",
        "required": True,
        "schema": const('Bearer realm="api"'),
    },
}


def header_refs(names: tuple[str, ...]) -> dict[str, Shape]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
