"""What is said of each operation of the API: the form that the apps' `schema.py` fill in, and the errors that all share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from commercecore_payments import errors
from commercecore_payments.dry_runs import DryRunUnderKey
from commercecore_payments.errors import ServiceError
from commercecore_payments.openapi.shapes import Shape
from commercecore_payments.pages import UnknownStartingPoint
from commercecore_payments.serializers import StrictSerializer
from developers.errors import AppForbidden, AppIdConflict, AppIdRequired, InvalidToken, UserIdRequired
from gateway.errors import (
    OperationInProgress,
    OutcomeUnknown,
    StripeConfigurationRefused,
    StripeRejected,
    StripeUnreachable,
)
from idempotency.errors import AnswerUnreadable, KeyInUse, KeyInvalid, KeyReused
from rate_limits.errors import RateLimited

Errors = tuple[type[ServiceError], ...]

# Whatever is asked: by the middleware, by every view before it begins, and where something fails.
OF_ALL: Errors = (
    errors.UnreadableRequest,
    errors.LengthRequired,
    errors.EncodedBody,
    errors.UnknownVersion,
    errors.NotAcceptable,
    errors.ServiceError,
    errors.DatabaseUnavailable,
)
OF_TOKEN: Errors = (errors.Unauthorized, InvalidToken, RateLimited)
OF_APP: Errors = (*OF_TOKEN, AppIdRequired, AppIdConflict, AppForbidden)
OF_APP_AND_USER: Errors = (*OF_APP, UserIdRequired)
# Of an address that holds an id: letters that no id has make it another address.
OF_ID: Errors = (errors.RouteNotFound,)
OF_QUERY: Errors = (errors.InvalidBody,)
OF_BODY: Errors = (errors.InvalidBody, errors.MalformedBody, errors.TooLarge, errors.UnsupportedMediaType)
OF_KEY: Errors = (KeyInvalid, KeyReused, KeyInUse, AnswerUnreadable)
OF_DRY_RUN: Errors = (DryRunUnderKey,)
OF_PAGE: Errors = (UnknownStartingPoint,)
# Of a read from Stripe, and of a change there.
OF_STRIPE_READ: Errors = (StripeUnreachable, StripeConfigurationRefused)
OF_STRIPE: Errors = (*OF_STRIPE_READ, StripeRejected, OutcomeUnknown, OperationInProgress)


@dataclass(frozen=True, slots=True)
class Link:
    """Where an answer leads to: another operation, and from where in the answer its parameters or its body are taken.

    `path` and `body` map names to JSON pointers into the answer, such as `/data/transaction_id`.
    """

    operation: str
    path: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """One operation: what it is for, what it takes, and what it answers.

    `data` is the shape of the answer's `data`. `message`: `meta` shows one. `errors`: those of its own, beside what every
    operation with its headers, its body and its key has. `rules` joins the schema of the body. `links` are addresses in the
    answer beside `self`; `is_paged`: `next` is one, or null. `dry_run` is the shape of what a dry run answers, with 200.
    """

    summary: str
    description: str
    data: Shape
    errors: Errors = ()
    status: int = HTTPStatus.OK
    body: type[StrictSerializer] | None = None
    query: type[StrictSerializer] | None = None
    rules: Mapping[str, object] = field(default_factory=dict)
    message: bool = False
    meta: Mapping[str, Shape] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    is_paged: bool = False
    dry_run: Shape | None = None
    leads_to: Mapping[str, Link] = field(default_factory=dict)
    is_bare: bool = False  # the whole answer is `data`, in no envelope


@dataclass(frozen=True, slots=True)
class AppSchema:
    """What one app describes: its components by name, and its operations by method and path (`POST /refunds`)."""

    tag: str
    description: str
    components: Mapping[str, Shape]
    operations: Mapping[str, Described]
