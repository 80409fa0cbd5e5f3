"""One operation of the API's description, made from what its app's `schema.py` says."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from itertools import product
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from commercecore_payments.authentication import AppAuthentication, AppUserAuthentication, DeveloperTokenAuthentication
from commercecore_payments.errors import KeyAfterwards
from commercecore_payments.openapi import headers, operations
from commercecore_payments.openapi.described import NotDescribed, all_operations
from commercecore_payments.openapi.error_shapes import by_status, shape_of
from commercecore_payments.openapi.examples import answer_examples, request_example
from commercecore_payments.openapi.operations import Described, Errors
from commercecore_payments.openapi.shapes import Shape, address, closed, const, nullable, text
from commercecore_payments.serializers import StrictSerializer
from commercecore_payments.versions import CURRENT, DOCUMENTED, HEADER
from idempotency.requests import KEYED_METHODS, REPLAYED_HEADER

PREFIX = "/api/v1"
ARTICLES = ("a", "an", "the")
ALWAYS = ("X-Request-ID",)
OF_VIEWS = (HEADER, "X-Request-ID", "Cache-Control")
RATE_LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def operation_name(method: str, path: str) -> str:
    """`POST /refunds`, as the landing page and the apps' descriptions call it."""
    return f"{method.upper()} {path.removeprefix(PREFIX) or '/'}"


def operation_id(name: str) -> str:
    """The operation's summary as one word, by which a generated client calls it: `createTransaction`."""
    _, described = all_operations()[name]
    first, *others = [word.removesuffix("'s") for word in described.summary.split() if word not in ARTICLES]
    return first.lower() + "".join(word.capitalize() for word in others)


class DescribedSchema(AutoSchema):
    """Looks the operation up by its method and path. A route that nobody described fails the generation."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any]:
        """The operation object of OpenAPI. Raises NotDescribed."""
        self.registry, self.path, self.method = registry, path, method
        name = operation_name(method, path)
        if name not in all_operations():
            raise NotDescribed(f"{name} stands in no schema.py.")
        tag, described = all_operations()[name]
        return {
            "operationId": operation_id(name),
            "summary": described.summary,
            "description": described.description,
            "tags": [tag],
            "parameters": list(self._described_parameters(described)),
            **self._request_body(name, described),
            "security": security(self._authentication()),
            "responses": dict(self._responses(name, described)),
        }

    def _authentication(self) -> type | None:
        """The class that stands before the view; None where anybody may ask."""
        found: list[type] = list(self.view.authentication_classes)
        return found[0] if found else None

    def _described_parameters(self, described: Described) -> Iterator[Shape]:
        if "{id}" in self.path:
            yield {"$ref": "#/components/parameters/Id"}
        if described.query is not None:
            yield from self._query_parameters(described.query)
        yield {"$ref": "#/components/parameters/Version"}
        if self.method in KEYED_METHODS:
            yield {"$ref": "#/components/parameters/IdempotencyKey"}
        yield {"$ref": "#/components/parameters/RequestId"}

    def _query_parameters(self, query: type[StrictSerializer]) -> Iterator[Shape]:
        fields = query().fields
        shape = self._map_serializer(query(), "request")  # type: ignore[no-untyped-call]
        for name, field_shape in shape["properties"].items():
            known = {key: value for key, value in field_shape.items() if key != "default" or value is not None}
            told = known.pop("description", None)  # it stands beside the schema: there pages show it
            if told is None:
                raise NotDescribed(f"{name} of {self.method} {self.path} has no help_text.")
            required = fields[name].required
            yield {"name": name, "in": "query", "required": required, "description": told, "schema": _as_query(known)}

    def _request_body(self, name: str, described: Described) -> Shape:
        if described.body is None:
            return {}
        component = self.resolve_serializer(described.body(), "request")
        component.schema.update(described.rules)
        media = {"schema": component.ref, **request_example(name)}
        return {"requestBody": {"required": bool(component.schema.get("required")), "content": {"application/json": media}}}

    def _responses(self, name: str, described: Described) -> Iterator[tuple[str, Shape]]:
        yield str(int(described.status)), self._success(name, described)
        if described.dry_run is not None and described.status != HTTPStatus.OK:
            foreseen = replace(described, data=described.dry_run, status=HTTPStatus.OK, leads_to={})
            yield str(int(HTTPStatus.OK)), self._success(name, foreseen)
        for status, errors in by_status(self._errors(described)).items():
            yield str(status), self._failure(name, described, status, errors)

    def _success(self, name: str, described: Described) -> Shape:
        replayed = (REPLAYED_HEADER,) if self.method in KEYED_METHODS else ()
        known = (*OF_VIEWS, *self._rate_limits(), *replayed)
        media = {"schema": answer_shape(described), **answer_examples(name, int(described.status))}
        answer = {
            "description": HTTPStatus(described.status).phrase,
            "headers": headers.header_refs(known),
            "content": {"application/json": media},
        }
        return {**answer, "links": links_of(described)} if described.leads_to else answer

    def _failure(self, name: str, described: Described, status: int, errors: Errors) -> Shape:
        known = {**headers.header_refs((*ALWAYS, *self._rate_limits())), **dict(_optional_headers())}
        if self.method in KEYED_METHODS and _may_be_replayed(errors):
            known |= headers.header_refs((REPLAYED_HEADER,))
        if any("Retry-After" in _headers_sent(error) for error in errors):
            known |= headers.header_refs(("Retry-After",))
        if status == HTTPStatus.UNAUTHORIZED:
            known |= headers.header_refs(("WWW-Authenticate",))
        shape = shape_of(status, errors)
        if name == "GET /status" and status == HTTPStatus.SERVICE_UNAVAILABLE:
            shape = {"anyOf": [described.data, shape]}
        media = {"schema": shape, **answer_examples(name, status)}
        return {
            "description": told(status, errors),
            "headers": known,
            "content": {"application/json": media},
        }

    def _rate_limits(self) -> tuple[str, ...]:
        """Who is known is counted."""
        return RATE_LIMITS if self._authentication() is not None else ()

    def _errors(self, described: Described) -> Errors:
        """All that may come: of every operation, of its headers, its body and its key, and its own."""
        address = operations.OF_ID if "{id}" in self.path else ()
        body = operations.OF_BODY if described.body is not None else ()
        query = operations.OF_QUERY if described.query is not None else ()
        key = operations.OF_KEY if self.method in KEYED_METHODS else ()
        body_of_key = operations.OF_BODY[1:] if self.method == "POST" else ()  # the key's fingerprint reads it
        found = (*operations.OF_ALL, *errors_before(self._authentication()), *address, *body, *query, *key, *body_of_key)
        page = operations.OF_PAGE if described.is_paged and "starting_after" in query_fields(described) else ()
        dry_run = operations.OF_DRY_RUN if described.dry_run is not None else ()
        return tuple(dict.fromkeys((*found, *page, *dry_run, *described.errors)))


def query_fields(described: Described) -> list[str]:
    return list(described.query().fields) if described.query is not None else []


def errors_before(authentication: type | None) -> Errors:
    """Those of whoever stands before the view."""
    found: Mapping[type | None, Errors] = {
        None: (),
        DeveloperTokenAuthentication: operations.OF_TOKEN,
        AppAuthentication: operations.OF_APP,
        AppUserAuthentication: operations.OF_APP_AND_USER,
    }
    return found[authentication]


def security(authentication: type | None) -> list[dict[str, list[str]]]:
    """Every way in: the token in either header, and the app's id in the header or the address."""
    ways: Mapping[type | None, tuple[tuple[str, ...], ...]] = {
        None: (),
        DeveloperTokenAuthentication: (headers.TOKENS,),
        AppAuthentication: (headers.TOKENS, headers.APP_IDS),
        AppUserAuthentication: (headers.TOKENS, headers.APP_IDS, headers.USER_IDS),
    }
    return [{name: [] for name in names} for names in product(*ways[authentication])] if ways[authentication] else []


def answer_shape(described: Described) -> Shape:
    """The answer: `data` in its envelope."""
    if described.is_bare:
        return described.data
    message = {"message": text()} if described.message else {}
    addresses = {name: address() for name in ("self", *described.links)}
    following = {"next": nullable(address("The next page; null where this is the last."))} if described.is_paged else {}
    meta = {**message, "status_code": const(int(described.status)), **described.meta}
    return closed({"data": _data(described), "meta": closed(meta), "links": closed({**addresses, **following})})


def _data(described: Described) -> Shape:
    """A dry run that answers with the status of the real one is another form of `data`."""
    if described.dry_run is None or described.status != HTTPStatus.OK or described.data == described.dry_run:
        return described.data
    return {"anyOf": [described.data, described.dry_run]}


def links_of(described: Described) -> Shape:
    """The links of OpenAPI: from a part of the answer to the operation that takes it."""
    found: Shape = {}
    for name, link in described.leads_to.items():
        entry: Shape = {"operationId": operation_id(link.operation)}
        if link.path:
            entry["parameters"] = {parameter: f"$response.body#{pointer}" for parameter, pointer in link.path.items()}
        if link.body:
            entry["requestBody"] = {field: f"$response.body#{pointer}" for field, pointer in link.body.items()}
        found[name] = entry
    return found


def told(status: int, errors: Errors) -> str:
    """The status in words, and its codes; of each that differs, in which version."""
    return f"{HTTPStatus(status).phrase}: {', '.join(sorted({_told(status, error) for error in errors}))}."


def _told(status: int, error: Any) -> str:
    if error.documented_status is None or error.documented_status == error.status:
        return f"`{error.code}`"
    return f"`{error.code}` (in version {DOCUMENTED if status == error.documented_status else CURRENT})"


def _optional_headers() -> Iterator[tuple[str, Shape]]:
    """What a view's errors have; those of the middleware before it have not."""
    for name in (HEADER, "Cache-Control"):
        yield name, {**headers.HEADERS[name], "required": False}


def _may_be_replayed(errors: Errors) -> bool:
    return any(error.key_afterwards == KeyAfterwards.ANSWERED for error in errors)


def _headers_sent(error: Any) -> tuple[str, ...]:
    """What passes by itself says when to ask again; some of it does not know."""
    passes = error.key_afterwards == KeyAfterwards.FREE or error.status == HTTPStatus.TOO_MANY_REQUESTS
    return ("Retry-After",) if passes else ()


def _as_query(shape: Shape) -> Shape:
    """In an address every number is its digits."""
    numbers = [one for one in shape.get("oneOf", []) if one.get("type") == "integer"]
    if not numbers:
        return shape
    return {**numbers[0], **{key: value for key, value in shape.items() if key != "oneOf"}}
