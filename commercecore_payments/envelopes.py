"""The documented envelope of every success: `data`, `meta`, `links`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request
from rest_framework.response import Response


def envelope(
    request: Request,
    data: Mapping[str, Any],
    *,
    status: int,
    message: str | None = None,
    links: Mapping[str, str | None] | None = None,
    more_meta: Mapping[str, Any] | None = None,
) -> Response:
    """`data` in its envelope. `message` is for the routes whose documentation shows one in `meta`; `more_meta` joins it."""
    told = {"message": message} if message is not None else {}
    meta = {**told, "status_code": status, **(more_meta or {})}
    return Response({"data": data, "meta": meta, "links": {"self": own_address(request), **(links or {})}}, status=status)


def own_address(request: Request) -> str:
    """The address that was asked, as the documentation writes it: no query, no trailing slash."""
    return request.build_absolute_uri(request.path).rstrip("/")


def next_page(request: Request, **begins_behind: str | int | None) -> dict[str, str | None]:
    """The link to the page behind this one, with all that was asked for; null where there is none.

    `begins_behind` is this page's last row, by the field of the address that names it; None where nothing is behind it.
    """
    if None in begins_behind.values():
        return {"next": None}
    asked = {**request.query_params.dict(), **begins_behind}
    return {"next": f"{own_address(request)}?{urlencode(asked)}"}
