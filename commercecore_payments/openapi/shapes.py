"""The words in which the apps' `schema.py` describe their JSON: JSON Schema 2020-12, as OpenAPI 3.1 has it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from commercecore_payments.request_ids import WELL_FORMED

Shape = dict[str, Any]


def closed(properties: Mapping[str, Shape], *, optional: Sequence[str] = (), description: str = "") -> Shape:
    """An object of exactly these fields; those in `optional` may be missing."""
    shape: Shape = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {**shape, "description": description} if description else shape


def ref(name: str) -> Shape:
    """The component of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **more: Any) -> Shape:
    return _described({"type": "string", **more}, description)


def identifier(prefix: str, description: str = "") -> Shape:
    """An id of ours or Stripe's with its prefix, such as `acct_…`."""
    return text(description, pattern=rf"^{prefix}_[A-Za-z0-9_]+$")


def request_id() -> Shape:
    """The caller's own, where it sends a well-formed `X-Request-ID`, else one of ours."""
    return text(pattern=f"^{WELL_FORMED.pattern}$")


def flag(description: str = "") -> Shape:
    return _described({"type": "boolean"}, description)


def integer(description: str = "", **more: Any) -> Shape:
    return _described({"type": "integer", **more}, description)


def count(description: str = "") -> Shape:
    return integer(description, format="int64", minimum=0)


def amount(description: str = "An amount in minor units of the currency, such as cents.") -> Shape:
    return integer(description, format="int64", minimum=0)


def moment(description: str = "") -> Shape:
    """A time in whole seconds since 1970, in UTC."""
    told = f"{description} " if description else ""
    return integer(f"{told}Seconds since 1970, in UTC.", format="int64", minimum=0)


def iso_moment(description: str = "") -> Shape:
    return text(description, format="date-time")


def address(description: str = "") -> Shape:
    return text(description, format="uri")


def currency(description: str = "A currency's three letters, in lower case.") -> Shape:
    return text(description, pattern="^[a-z]{3}$")


def one_of(words: Iterable[str], description: str = "") -> Shape:
    return text(description, enum=list(words))


def const(value: bool | int | str, description: str = "") -> Shape:
    kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "string"
    return _described({"const": value, "type": kind}, description)


def list_of(items: Shape, description: str = "", **more: Any) -> Shape:
    return _described({"type": "array", "items": items, **more}, description)


def map_of(values: Shape, description: str = "") -> Shape:
    """An object whose names are not known beforehand."""
    return _described({"type": "object", "additionalProperties": values}, description)


def nullable(shape: Shape) -> Shape:
    """The same, or null."""
    if "type" not in shape or "enum" in shape:
        return {"anyOf": [shape, {"type": "null"}]}
    return {**shape, "type": [shape["type"], "null"]}


def _described(shape: Shape, description: str) -> Shape:
    return {**shape, "description": description} if description else shape
