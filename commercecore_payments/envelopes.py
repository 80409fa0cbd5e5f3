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
    more_meta: Mapping[str, Any] | None = None,
) -> Response:
    """`data` in its envelope. `message` is for the routes whose documentation shows one in `meta`; `more_meta` joins it."""
    told = {"message": message} if message is not None else {}
    meta = {**told, "status_code": status, **(more_meta or {})}
    return Response({"data": data, "meta": meta, "links": {"self": own_address(request), **(links or {})}}, status=status)


def own_address(request: Request) -> str:
    """The address that was asked, as the documentation writes it: no query, no trailing slash."""
    return request.build_absolute_uri(request.path).rstrip("/")
