"""Errors as responses: one shape for every body, which satisfies both shapes of the published documentation."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from commercecore_payments.errors import (
    DatabaseUnavailable,
    Forbidden,
    InvalidBody,
    KeyAfterwards,
    MalformedBody,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    ServiceError,
    Unauthorized,
    UnsupportedMediaType,
)
from commercecore_payments.versions import answers_documented_statuses

logger = logging.getLogger(__name__)

# What REST framework raises itself, and the error of ours that it is told as, with its own words.
FRAMEWORK_ERRORS: Mapping[type[exceptions.APIException], type[ServiceError]] = {
    exceptions.NotAuthenticated: Unauthorized,
    exceptions.AuthenticationFailed: Unauthorized,
    exceptions.PermissionDenied: Forbidden,
    exceptions.MethodNotAllowed: MethodNotAllowed,
    exceptions.NotAcceptable: NotAcceptable,
    exceptions.UnsupportedMediaType: UnsupportedMediaType,
}

# What others raise, and the error of ours that it is told as.
TOLD_AS: Mapping[type[Exception], type[ServiceError]] = {
    Http404: NotFound,
    exceptions.ParseError: MalformedBody,
    # A lost connection, a lock that was not given, a pool without a free connection.
    OperationalError: DatabaseUnavailable,
    InterfaceError: DatabaseUnavailable,
}
# The same, where psycopg does not count it among them: the server takes no writes, or has ended a transaction that slept.
GONE = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.IdleInTransactionSessionTimeout)


def error_body(
    request: HttpRequest, *, status: int, message: str, code: str, fields: Mapping[str, list[str]], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of every error: `detail` for the documentation's short shape, the rest for its long one."""
    return {
        "detail": message,
        "error": HTTPStatus(status).phrase,
        "meta": {
            "success": False,
            "status_code": int(status),
            "request_method": request.method,
            "request_path": _asked_address(request),
            "request_id": getattr(request, "request_id", ""),
        },
        "details": {"message": message, "code": code, "fields": dict(fields), **extra},
    }


def _asked_address(request: HttpRequest) -> str:
    """The address that was asked. A host that is not ours is not repeated: whoever sent it chose it freely."""
    try:
        return request.build_absolute_uri(request.path)
    except DisallowedHost:
        return f"{settings.PUBLIC_BASE_URL}{request.path}"


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's hook: the response for `error`, or None for what is not recognised (a plain 500)."""
    known = as_service_error(error)
    if known is None:
        return None
    if isinstance(known, DatabaseUnavailable):
        logger.error("the database failed: %s", error, exc_info=error)
    request: Request = context["request"]
    status = response_status(known, request._request)
    body = error_body(
        request._request, status=status, message=known.message, code=known.code, fields=known.fields, extra=known.extra
    )
    response = Response(body, status=status, headers=known.headers)
    response.exception = True
    challenge = context["view"].get_authenticate_header(request) if status == HTTPStatus.UNAUTHORIZED else None
    if challenge:
        response["WWW-Authenticate"] = challenge
    return response


def response_status(error: ServiceError, request: HttpRequest) -> int:
    """The status that answers `error`: the documented one for callers of the documented API version."""
    if error.documented_status is not None and answers_documented_statuses(request):
        return int(error.documented_status)
    return int(error.status)


def key_after(error: Exception) -> KeyAfterwards:
    """What becomes of the request's Idempotency-Key. What is not recognised is nothing final."""
    known = as_service_error(error)
    return known.key_afterwards if known is not None else KeyAfterwards.FREE


def as_service_error(error: Exception) -> ServiceError | None:
    """`error` as one of ours; None where it is not recognised."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, exceptions.ValidationError):
        return invalid_body(error.detail)
    for raised, told in TOLD_AS.items():
        if isinstance(error, raised):
            return told()
    if isinstance(error.__cause__, GONE):
        return DatabaseUnavailable()
    if not isinstance(error, exceptions.APIException):
        return None
    ours = FRAMEWORK_ERRORS.get(type(error))
    return ours(str(error.detail)) if ours is not None else None


def invalid_body(detail: Any, *, opening: str = InvalidBody.message) -> InvalidBody:
    """A serializer's complaints as one error. The message is the documented sentence about the first field, behind `opening`."""
    fields = {name: _flatten(value) for name, value in detail.items()} if isinstance(detail, dict) else {"body": _flatten(detail)}
    name, complaints = next(iter(fields.items()))
    required = complaints[0] == "This field is required."
    sentence = f"'{name}' field is required." if required else f"'{name}': {complaints[0]}"
    return InvalidBody(f"{opening} {sentence}", fields=fields)


def _flatten(value: Any) -> list[str]:
    """Nested complaints (of a list or a map) as plain sentences, each with the key it is about."""
    if isinstance(value, dict):
        return [f"{key}: {text}" for key, inner in value.items() for text in _flatten(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _flatten(inner)]
    return [str(value)]


def plain_error(request: HttpRequest, error: ServiceError) -> JsonResponse:
    """`error` as a response outside REST framework: unknown routes and failures before or beyond a view."""
    status = response_status(error, request)
    body = error_body(request, status=status, message=error.message, code=error.code, fields=error.fields, extra=error.extra)
    return JsonResponse(body, status=status, headers=error.headers)
