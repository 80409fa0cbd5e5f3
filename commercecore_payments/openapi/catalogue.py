"""Every error that the API answers, for people: made from the classes of errors and the description of the operations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from commercecore_payments.errors import KeyAfterwards, MethodNotAllowed, RouteNotFound, ServiceError
from commercecore_payments.openapi.advice import ADVICE
from commercecore_payments.openapi.auto_schema import operation_name
from commercecore_payments.openapi.document import codes_of, document
from commercecore_payments.openapi.error_shapes import all_errors
from commercecore_payments.versions import CURRENT, DOCUMENTED

# What comes of a repeat under the same Idempotency-Key.
REPEATS: Mapping[KeyAfterwards, str] = {
    KeyAfterwards.ANSWERED: "Final: a repeat under the same key is given the same answer. Send what you change under a new key.",
    KeyAfterwards.FREE: "The very same request may be sent again under its key: it continues where it stood.",
    KeyAfterwards.FORGOTTEN: "Nothing was begun: the key is as good as new, for whatever you send next.",
}
OF_A_READ = "A read takes no key: it is looked up anew each time."
NO_FIXED_MESSAGE = "Says what is wrong, in words of its own."
ANYWHERE = "any address"


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: `status` in the newest version of the API, `documented_status` in the documented one."""

    code: str
    status: int
    documented_status: int
    when: str
    message: str
    advice: str
    repeat: str
    operations: Sequence[str]

    @property
    def differs(self) -> bool:
        return self.status != self.documented_status

    @property
    def when_marked(self) -> SafeString:
        return with_code(self.when)

    @property
    def facts(self) -> list[tuple[str, SafeString]]:
        """What a page lists of it, each with its name."""
        told = (("Message", self.message), ("What to do", self.advice), ("Repeating it", self.repeat))
        return [(name, with_code(text)) for name, text in told]

    @property
    def is_of_all(self) -> bool:
        return len(self.operations) == _number_of_operations()


class NotExplained(Exception):
    """An error that the API answers has no docstring, or no advice."""


def with_code(text: str) -> SafeString:
    """The text for a page: what stands between backticks is code."""
    parts = [(("<code>", "</code>") if place % 2 else ("", ""), part) for place, part in enumerate(text.split("`"))]
    return format_html_join("", "{}{}{}", ((mark_safe(opening), part, mark_safe(closing)) for (opening, closing), part in parts))  # noqa: S308 - tags of our own


@cache
def entries() -> tuple[Entry, ...]:
    """By code. Raises NotExplained."""
    routes = _operations_by_code() | {RouteNotFound.code: [ANYWHERE], MethodNotAllowed.code: [ANYWHERE]}
    return tuple(_entry(code, routes[code]) for code in sorted(routes))


def _entry(code: str, operations: Sequence[str]) -> Entry:
    classes = [error for error in all_errors() if error.code == code]
    first = classes[0]
    if code not in ADVICE:
        raise NotExplained(f"{code} has no advice in commercecore_payments/openapi/advice.py.")
    return Entry(
        code=code,
        status=int(first.status),
        documented_status=int(first.documented_status or first.status),
        when=" ".join(dict.fromkeys(_when(error) for error in classes)),
        message=first.message if "message" in vars(first) else NO_FIXED_MESSAGE,
        advice=ADVICE[code],
        repeat=OF_A_READ if all(name.startswith("GET ") for name in operations) else REPEATS[first.key_afterwards],
        operations=operations,
    )


def _when(error: type[ServiceError]) -> str:
    """The class's own docstring, as one paragraph."""
    if error is ServiceError:
        return "Something failed that nobody foresaw. The log has it under the request's id."
    told = vars(error).get("__doc__")
    if not told:
        raise NotExplained(f"{error.__name__} has no docstring that says when it occurs.")
    return " ".join(told.split())


def _operations_by_code() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            for code in codes_of(operation):
                found.setdefault(code, []).append(operation_name(method, path))
    return found


@cache
def _number_of_operations() -> int:
    return sum(len(operations) for operations in document()["paths"].values())


def as_markdown() -> str:
    """The catalogue as docs/errors.md holds it."""
    return "\n".join([_INTRODUCTION, *(_section(entry) for entry in entries())])


_INTRODUCTION = f"""# Errors

Every error of the API has one shape, and this page is made from the code: `manage.py write_error_catalogue`. A running service
shows it at `/docs/errors`.

    {{"detail": "…", "error": "Conflict", "meta": {{"success": false, "status_code": 409, …, "request_id": "req_…"}},
     "details": {{"message": "…", "code": "account_exists", "fields": {{}}}}}}

`details.code` is for programs and does not change; `detail` is for people and may. Where two statuses are named, the first is
that of version {CURRENT}, and the second that of {DOCUMENTED}, which answers as the published documentation shows it.
"""


def _section(entry: Entry) -> str:
    status = f"{entry.status} ({entry.documented_status} in {DOCUMENTED})" if entry.differs else str(entry.status)
    where = "Every operation." if entry.is_of_all else ", ".join(f"`{name}`" for name in entry.operations) + "."
    return f"""## {entry.code}

Status {status}. {entry.when}

- Message: {entry.message}
- What to do: {entry.advice}
- Repeating it: {entry.repeat}
- Where: {where}
"""
