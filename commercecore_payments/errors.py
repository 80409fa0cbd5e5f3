"""The table of errors: the categories, each with its HTTP status, and the errors that all apps share.

An app declares its errors as classes of a category below, each with a stable `code`. Operations raise them, no view
catches them, and commercecore_payments/error_responses.py turns them into bodies.
"""

from collections.abc import Mapping
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, ClassVar

from commercecore_payments.versions import HEADER, VERSIONS

UNEXPECTED_MESSAGE = "An unexpected error occurred while processing your request."  # documented for every 500

# Seconds after which a caller may ask again where we cannot know better: long enough for a recovery to have looked.
DEFAULT_RETRY_AFTER_S = 5


class KeyAfterwards(Enum):
    """What becomes of the request's Idempotency-Key after an error."""

    ANSWERED = auto()  # the error is final: every repeat is given the same answer
    FREE = auto()  # nothing final is known: the very same request is carried out again, and continues where it stood
    FORGOTTEN = auto()  # the request did not begin: the next one under the key is the first, whatever it asks for


class ServiceError(Exception):
    """An error that is told to the caller: `message` for the person, `code` for the program.

    `status` is the right HTTP status. `documented_status` is the one that the published documentation shows, where it
    differs: API version 2024-09-26 answers that one. `extra` joins `details`; `headers` join the response.
    `key_afterwards` tells whether a repeat under the same Idempotency-Key may bring another answer.
    """

    status: ClassVar[int] = 500
    documented_status: ClassVar[int | None] = None
    key_afterwards: ClassVar[KeyAfterwards] = KeyAfterwards.FREE
    code: ClassVar[str] = "unexpected_error"
    message: str = UNEXPECTED_MESSAGE

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Mapping[str, list[str]] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message if message is not None else type(self).message
        self.fields = dict(fields or {})
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        super().__init__(self.message)


class BadRequest(ServiceError):
    status = HTTPStatus.BAD_REQUEST
    key_afterwards = KeyAfterwards.ANSWERED
    code = "refused"
    message = "The request was refused."


class UnreadableRequest(BadRequest):
    """The request cannot be read: a null character in the address, or a host that is not this service's."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "bad_request"
    message = "Bad request."


class Unauthorized(ServiceError):
    """No developer token was sent."""

    status = HTTPStatus.UNAUTHORIZED
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "unauthorized"
    message = "Unauthorized"


class PaymentRequired(ServiceError):
    status = HTTPStatus.PAYMENT_REQUIRED
    key_afterwards = KeyAfterwards.ANSWERED
    code = "payment_declined"
    message = "The payment was declined."


class Forbidden(ServiceError):
    status = HTTPStatus.FORBIDDEN
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "forbidden"
    message = "You may not do this."


class NotFound(ServiceError):
    status = HTTPStatus.NOT_FOUND
    key_afterwards = KeyAfterwards.ANSWERED
    code = "not_found"
    message = "Not found."


class Conflict(ServiceError):
    status = HTTPStatus.CONFLICT
    key_afterwards = KeyAfterwards.ANSWERED
    code = "conflict"
    message = "The request conflicts with the present state."


class TooLarge(ServiceError):
    """The body is larger than 64 KB."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "body_too_large"
    message = "The request body is too large."


class Unprocessable(ServiceError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "unprocessable"
    message = "The request cannot be carried out as it is."


class Unavailable(ServiceError):
    """Something we depend on cannot be reached; the same request may be sent again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    message = "The service cannot answer right now. Please try again."

    def __init__(self, message: str | None = None, *, retry_after_s: int = DEFAULT_RETRY_AFTER_S, **rest: Any) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_s)}, **rest)


class DatabaseUnavailable(Unavailable):
    """The database failed midway: what was reserved stays, and a repeat continues it."""

    code = "database_unavailable"
    message = (
        "The service's database could not be reached, and what came of this request is not known. "
        "Please send the very same request again, under its Idempotency-Key; without one, read the object first."
    )


class InvalidBody(BadRequest):
    """The body, or what stands behind the `?`, does not fit; `fields` names each field and what is wrong with it."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "invalid_body"
    message = "Invalid request body."


class MalformedBody(BadRequest):
    """The body is no JSON object, names a field twice, or is nested too deeply."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "malformed_body"
    message = "The request body is not valid JSON."


class LengthRequired(ServiceError):
    """The body comes in chunks (`Transfer-Encoding`)."""

    status = HTTPStatus.LENGTH_REQUIRED
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "length_required"
    message = "Send the body with its Content-Length, and not in chunks."


class EncodedBody(ServiceError):
    """A compressed body may be a thousand times larger than its Content-Length says (RFC 9110, section 15.5.16)."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "unsupported_content_encoding"
    message = "Send the body as it is, without a Content-Encoding."


class UnknownVersion(BadRequest):
    """`CommerceCore-Version` names no version, or the app is pinned to one that is gone."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "unknown_version"
    message = f"{HEADER} names no version of this API. It knows {' and '.join(VERSIONS)}."


class MethodNotAllowed(ServiceError):
    """The address exists, and takes other methods: the header `Allow` names them."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "method_not_allowed"
    message = "This address does not take the method."


class NotAcceptable(ServiceError):
    """The header `Accept` leaves out JSON, which is all that is answered."""

    status = HTTPStatus.NOT_ACCEPTABLE
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "not_acceptable"
    message = "Only application/json is answered."


class UnsupportedMediaType(ServiceError):
    """The body is sent as something else than JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "unsupported_media_type"
    message = "Only application/json is taken."


class RouteNotFound(NotFound):
    """The address is none of this API's. It may be misspelt, or of another version."""

    key_afterwards = KeyAfterwards.FORGOTTEN
    code = "route_not_found"
    message = "There is no such endpoint."
