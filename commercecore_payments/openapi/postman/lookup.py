"""The one thing that the collection's maker and its scripts both look up."""

from typing import Any

from commercecore_payments.openapi.auto_schema import PREFIX
from commercecore_payments.openapi.document import document


def operation_of(name: str) -> dict[str, Any]:
    """The operation as the description has it, by its name such as `POST /refunds`."""
    method, path = name.split(" ")
    found: dict[str, Any] = document()["paths"][f"{PREFIX}{path}".rstrip("/")][method.lower()]
    return found
