"""Whether an answer of the API is as its description has it: the status, the body, the headers and the code of an error."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from commercecore_payments.openapi.auto_schema import PREFIX
from commercecore_payments.openapi.document import document
from commercecore_payments.openapi.error_shapes import all_errors
from commercecore_payments.versions import DOCUMENTED, HEADER

NAME = "urn:commercecore-payments"
ERROR = "#/components/schemas/Error"
# What servers, browsers and Django's middleware add to every answer of this service, to pages too.
OF_EVERY_PAGE = frozenset(
    {
        "allow",
        "connection",
        "content-length",
        "content-security-policy",
        "content-type",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "date",
        "keep-alive",
        "permissions-policy",
        "referrer-policy",
        "sandbox-faults-met",
        "server",
        "strict-transport-security",
        "transfer-encoding",
        "vary",
        "x-content-type-options",
        "x-frame-options",
    }
)


# What the sandbox's middleware answers in place of any route, to whoever orders a fault that it does not know.
OF_THE_SANDBOX = ("invalid_sandbox_fault",)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and what it was asked for."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def problems(answer: Answer) -> list[str]:
    """What of it the description does not say; nothing of the values is repeated but what a schema names."""
    name = f"{answer.method} {answer.path}"
    return [f"{name} answers {answer.status}: {problem}" for problem in _problems(answer)]


def _problems(answer: Answer) -> list[str]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return ["the body is no JSON"]
    if _code(body) in OF_THE_SANDBOX:
        return []
    operation = described_path(answer.method, answer.path)
    if operation is None:
        return _misfits(ERROR, body)
    described = document()["paths"][operation][answer.method.lower()]["responses"].get(str(answer.status))
    if described is None:
        return [f"the status is not described; the code is {_code(body)!r}"]
    pointer = f"#/paths/{_escaped(operation)}/{answer.method.lower()}/responses/{answer.status}/content/application~1json/schema"
    return [*_misfits(pointer, body), *_headers(answer, described["headers"]), *_wrong_version(answer, body)]


@cache
def described_path(method: str, path: str) -> str | None:
    """The described path that this one is of; None where it takes no such method, or there is none."""
    paths = document()["paths"]
    asked = path.removesuffix("/")
    for candidate in sorted(paths, key=lambda one: "{" in one):
        if re.fullmatch(re.sub(r"\\{id\\}", "[A-Za-z0-9_]+", re.escape(candidate)), asked):
            return candidate if method.lower() in paths[candidate] else None
    return None


def _misfits(pointer: str, body: Any) -> list[str]:
    return [f"{error.message} at {_place(error.instance_path)}" for error in _validator(pointer).iter_errors(body)][:3]


@cache
def _validator(pointer: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"$ref": f"{NAME}{pointer}"}, registry=_registry(), validate_formats=True)


@cache
def _registry() -> Any:
    return jsonschema_rs.Registry([(NAME, document())])


def _place(path: list[str | int]) -> str:
    return "/".join(str(step) for step in path) or "the top"


def _headers(answer: Answer, described: Mapping[str, Any]) -> list[str]:
    sent = {name.lower(): value for name, value in answer.headers.items()}
    found = [
        f"the header {name} is not described" for name in sent if name not in OF_EVERY_PAGE | {one.lower() for one in described}
    ]
    for name, header in described.items():
        shape = _resolved(header)
        if name.lower() not in sent:
            found += [f"the header {name} is missing"] if shape.get("required") else []
        elif not _fits(shape["schema"], sent[name.lower()]):
            found.append(f"the header {name} is {sent[name.lower()]!r}")
    return found


def _resolved(header: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in header:
        return header
    found: Mapping[str, Any] = document()["components"]["headers"][header["$ref"].rpartition("/")[2]]
    return found


def _fits(schema: Mapping[str, Any], value: str) -> bool:
    """A number travels as its digits."""
    if schema.get("type") == "integer":
        return value.isascii() and value.isdigit()
    return bool(jsonschema_rs.is_valid(dict(schema), value))


def _wrong_version(answer: Answer, body: Any) -> list[str]:
    """An error comes with the status of the version that answers: the documented one, or the right one."""
    version = {name.lower(): value for name, value in answer.headers.items()}.get(HEADER.lower())
    known = [error for error in all_errors() if error.code == _code(body)]
    if version is None or not known:
        return []
    right = {
        int(error.documented_status if version == DOCUMENTED and error.documented_status is not None else error.status)
        for error in known
    }
    return [] if answer.status in right else [f"{_code(body)} is no error with this status in version {version}"]


def _code(body: Any) -> str:
    details = body.get("details") if isinstance(body, dict) else None
    return str(details.get("code", "")) if isinstance(details, dict) else ""


def _escaped(path: str) -> str:
    """A part of a JSON pointer in an address (RFC 6901, sections 3 and 6)."""
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def is_of_the_api(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def webhook_problems(event_type: str, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What of a posted event the description does not say."""
    described = document()["webhooks"].get(event_type)
    if described is None:
        return [f"the webhook {event_type} is not described"]
    pointer = f"#/webhooks/{event_type}/post/requestBody/content/application~1json/schema"
    sent = {name.lower(): value for name, value in headers.items()}
    wrong = [
        f"the header {one['name']} is {sent.get(one['name'])!r}"
        for one in described["post"]["parameters"]
        if not _fits(one["schema"], sent.get(one["name"], ""))
    ]
    return [f"{event_type}: {problem}" for problem in [*_misfits(pointer, json.loads(body)), *wrong]]
