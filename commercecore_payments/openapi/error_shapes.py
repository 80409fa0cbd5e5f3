"""The one shape of every error, and which errors come with which status."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus

from commercecore_payments.errors import ServiceError
from commercecore_payments.openapi.operations import Errors
from commercecore_payments.openapi.shapes import (
    Shape,
    amount,
    closed,
    const,
    currency,
    identifier,
    integer,
    list_of,
    map_of,
    one_of,
    ref,
    request_id,
    text,
)

# What joins `details` with some codes.
FURTHER_DETAILS: dict[str, Shape] = {
    "stripe_code": text("Stripe's code, or empty."),
    "stripe_param": text("The parameter that Stripe complains of, or empty."),
    "stripe_request_id": text("Stripe's id of the request, or empty."),
    "decline_code": text("The bank's reason in Stripe's words, or empty."),
    "operation_id": identifier("op", "The open operation, for whoever runs this service."),
    "transaction_id": text("The transaction that it is about."),
    "account_id": identifier("acct"),
    "status": text("The status of the transaction that it is about."),
    "capturable_amount": amount("What is held."),
    "refundable_amount": amount("What can still be refunded."),
    "currency": currency(),
    "held_transactions": list_of(identifier("pi")),
    "unfinished_transactions": list_of(identifier("pi")),
    "most": integer("The limit."),
}

META = {
    "success": const(False),
    "status_code": integer(),
    "request_method": text(),
    "request_path": text("The address that was asked, as it came."),
    "request_id": request_id(),
}


def all_errors() -> list[type[ServiceError]]:
    """Every class of errors, found from the code."""
    return [ServiceError, *_below(ServiceError)]


def _below(parent: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for child in parent.__subclasses__():
        if not child.__module__.rpartition(".")[2].startswith("test_"):
            yield child
            yield from _below(child)


def components(codes: Iterable[str]) -> dict[str, Shape]:
    """The components of errors; `codes` are those that the API answers."""
    details = {
        "message": text("For people."),
        "code": one_of(sorted(set(codes)), "For programs."),
        "fields": map_of(list_of(text()), "The fields of the request that are wrong, and what is wrong with each."),
    }
    return {
        "ErrorDetails": closed({**details, **FURTHER_DETAILS}, optional=tuple(FURTHER_DETAILS)),
        "ErrorMeta": closed(META),
        "Error": closed(
            {
                "detail": text("The same as `details.message`."),
                "error": text("The status in words."),
                "meta": ref("ErrorMeta"),
                "details": ref("ErrorDetails"),
            }
        ),
    }


def by_status(errors: Errors) -> dict[int, Errors]:
    """Which of these errors come with which status, in one version of the API or in both."""
    found: dict[int, dict[type[ServiceError], None]] = {}
    for error in errors:
        for status in statuses(error):
            found.setdefault(status, {})[error] = None
    return {status: tuple(found[status]) for status in sorted(found)}


def statuses(error: type[ServiceError]) -> tuple[int, ...]:
    """The right status; and the documented one, where it differs."""
    documented = () if error.documented_status is None else (int(error.documented_status),)
    return (int(error.status), *documented)


def shape_of(status: int, errors: Errors) -> Shape:
    """An error with this status: one of these codes."""
    codes = sorted({error.code for error in errors})
    return {
        "allOf": [
            ref("Error"),
            {
                "properties": {
                    "error": {"const": HTTPStatus(status).phrase},
                    "meta": {"properties": {"status_code": {"const": status}}},
                    "details": {"properties": {"code": {"enum": codes}}},
                }
            },
        ]
    }
