"""The whole description: what drf-spectacular found, and what stands beside the operations."""

import json
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator

import commercecore_payments.openapi.fields  # noqa: F401 - drf-spectacular finds the shapes of fields once they are read
from commercecore_payments.errors import MethodNotAllowed, RouteNotFound
from commercecore_payments.openapi import error_shapes, headers
from commercecore_payments.openapi.auto_schema import PREFIX
from commercecore_payments.openapi.described import all_components, tags
from commercecore_payments.openapi.webhook_shapes import webhooks

# A path, its pattern, its method and its view.
Endpoint = tuple[str, str, str, Callable[..., Any]]
# drf-spectacular keeps the operation under way in an object that all threads share, and `cache` lets two of them make the same.
_MAKING = Lock()


def api_routes_alone(endpoints: list[Endpoint]) -> list[Endpoint]:
    """drf-spectacular's hook before it begins: the API's routes, with `{id}` as the contract calls it."""
    return [
        (path.replace("{identifier}", "{id}").rstrip("/"), pattern, method, view)
        for path, pattern, method, view in endpoints
        if path.startswith(PREFIX)
    ]


def complete(*, result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook at the end: what stands beside the operations."""
    components = result.setdefault("components", {})
    shapes = {**components.get("schemas", {}), **all_components(), **error_shapes.components(_codes(result))}
    components["schemas"] = dict(sorted(shapes.items()))
    components["securitySchemes"] = dict(headers.SECURITY_SCHEMES)
    components["parameters"] = dict(headers.PARAMETERS)
    components["headers"] = dict(headers.HEADERS)
    # Plain JSON: YAML's writer knows none of the enumerations that stand in it.
    plain: dict[str, Any] = json.loads(json.dumps({**result, "tags": tags(), "webhooks": webhooks()}))
    return plain


def _codes(result: dict[str, Any]) -> set[str]:
    """Every code that may be answered: by an operation, and where an address or its method is none."""
    operations = [operation for found in result["paths"].values() for operation in found.values()]
    return {RouteNotFound.code, MethodNotAllowed.code} | {code for operation in operations for code in codes_of(operation)}


def codes_of(operation: dict[str, Any]) -> list[str]:
    """The codes of an operation's errors, each once."""
    shapes = [answer["content"]["application/json"]["schema"] for answer in operation["responses"].values()]
    return list(dict.fromkeys(code for shape in shapes for code in _codes_of_answer(shape)))


def _codes_of_answer(shape: dict[str, Any]) -> list[str]:
    """Those of one status; none of an answer that is no error."""
    error = shape["anyOf"][-1] if "anyOf" in shape else shape
    if "allOf" not in error:
        return []
    codes: list[str] = error["allOf"][1]["properties"]["details"]["properties"]["code"]["enum"]
    return codes


def document() -> dict[str, Any]:
    """The description as it is served, made once, however many ask for it at first."""
    with _MAKING:
        return generated()


@cache
def generated() -> dict[str, Any]:
    """What `document` keeps: by one thread at a time."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found
