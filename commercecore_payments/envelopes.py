"""The documented envelope of every success: `data`, `meta`, `links`."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response


def envelope(
    request: Request,
    data: Mapping[str, Any],
    *,
    status: int,
    message: str | None = None,
    links: Mapping[str, str] | None = None,
) -> Response:
    """`data` in its envelope. `message` is for the routes whose documentation shows one in `meta`."""
    meta = {"message": message, "status_code": status} if message is not None else {"status_code": status}
    return Response({"data": data, "meta": meta, "links": {"self": own_address(request), **(links or {})}}, status=status)


def own_address(request: Request) -> str:
    """The address that was asked, as the documentation writes it: no query, no trailing slash."""
    return request.build_absolute_uri(request.path).rstrip("/")
