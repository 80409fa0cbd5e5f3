"""Requests and answers as they travel: forms in Stripe's bracket notation in, JSON out."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests.structures import CaseInsensitiveDict

from sandbox.api.errors import ParameterRefused
from sandbox.faults.fault_headers import HEADER

# The version that the answers are shaped by, and that the pinned SDK asks for.
API_VERSION = "2026-10-28.endive"
# A form nested deeper than this is no request of Stripe's: its deepest parameters have five levels.
MAX_DEPTH = 8
_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


@dataclass(frozen=True)
class Request:
    """One call of the API: what was sent, and for which account."""

    method: str
    path: str
    parameters: dict[str, Any]
    key: str
    account: str = ""
    idempotency_key: str = ""
    # The fault that was ordered in this request's own header, as it was written there.
    fault: str = ""


@dataclass(frozen=True)
class Answer:
    """What goes back: a status, a JSON object, and headers beside the usual ones."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    # How long it takes to arrive, where a slow answer was ordered; in seconds.
    delay_s: float = 0.0

    def text(self) -> str:
        """The body as Stripe prints it: indented by two, `id` and `object` first, then by name.

        The order is made here since a database column forgets it, and a replayed answer is the first one letter by letter.
        """
        return json.dumps(_ordered(self.body), indent=2)


def _ordered(value: Any) -> Any:
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if not isinstance(value, dict):
        return value
    first = [name for name in ("id", "object") if name in value]
    return {name: _ordered(value[name]) for name in [*first, *sorted(value.keys() - {"id", "object"})]}


def read_request(*, method: str, url: str, headers: Mapping[str, str], form: str) -> Request:
    """The request behind a method, an address, headers and a form body.

    Raises ParameterRefused where the form is malformed.
    """
    address = urlsplit(url)
    known = CaseInsensitiveDict(headers)
    return Request(
        method=method.upper(),
        path=address.path,
        # Programs send either; that Stripe reads both of one request is unverified.
        parameters=read_form("&".join(part for part in (address.query, form) if part)),
        key=read_key(known.get("Authorization", "")),
        account=known.get("Stripe-Account", ""),
        idempotency_key=known.get("Idempotency-Key", "") if method.upper() == "POST" else "",
        fault=known.get(HEADER, ""),
    )


def read_key(authorization: str) -> str:
    """The API key of an Authorization header: `Bearer <key>`, or Basic with the key as the name of the user.

    "" where there is none (https://docs.stripe.com/api/authentication).
    """
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return credentials.strip() if scheme.lower() == "bearer" else ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def read_form(form: str) -> dict[str, Any]:
    """`metadata[order]=7&expand[0]=customer` as {"metadata": {"order": "7"}, "expand": ["customer"]}."""
    root: dict[str, Any] = {}
    if "%00" in form or "\x00" in form:  # no text of Stripe's holds the character, and PostgreSQL keeps none
        raise ParameterRefused("Invalid request: null bytes are not allowed.")
    for name, value in parse_qsl(form, keep_blank_values=True):
        _place(root, _path(name), value)
    return {name: _lists(value) for name, value in root.items()}


def _path(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise ParameterRefused(f"Invalid parameter name: {name[:100]}", param=name[:100])
    parts = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    if len(parts) > MAX_DEPTH:
        raise ParameterRefused(f"Parameter nested too deeply: {name[:100]}", param=parts[0])
    return parts


def _place(root: dict[str, Any], path: list[str], value: str) -> None:
    inside = root
    for part in path[:-1]:
        inside = inside.setdefault(part, {})
        if not isinstance(inside, dict):
            raise ParameterRefused("Invalid object", param=path[0])
    last = path[-1] or str(len(inside))  # `expand[]=a&expand[]=b` counts its places itself
    if isinstance(inside.get(last), dict):
        raise ParameterRefused("Invalid string: an object was passed as well", param=path[0])
    inside[last] = value


def _lists(value: Any) -> Any:
    """Turns {"0": a, "1": b} into [a, b], as the SDK numbers its lists."""
    if not isinstance(value, dict):
        return value
    if value and list(value) == [str(place) for place in range(len(value))]:
        return [_lists(item) for item in value.values()]
    return {name: _lists(item) for name, item in value.items()}
