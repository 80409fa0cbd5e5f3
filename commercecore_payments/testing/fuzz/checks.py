"""The checks of our own: they know the codes of errors."""

from http import HTTPStatus
from urllib.parse import urlsplit

import schemathesis
from schemathesis.core.failures import Failure
from werkzeug.test import Client

from commercecore_payments.testing.api_answers.judge import Answer, problems
from commercecore_payments.wsgi import application

# The code of what nobody foresaw. Every other 5xx is one that the description names.
UNFORESEEN = "unexpected_error"
TOKENS = ("x-developer-token", "authorization")
# Codes that say that a body was not read as it was meant; some rules of amounts can be told by no schema.
NOT_TAKEN = ("malformed_body", "unsupported_media_type", "idempotency_key_invalid", "unknown_version", "invalid_body")
RULES_BEYOND_SCHEMAS = ("amount", "application_fee_amount", "after", "until", "return_url", "currency")
_asked_without_token: set[str] = set()


@schemathesis.check
def as_described(ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """The judge of the tests finds nothing, and nothing happened that nobody foresaw."""
    path = case.formatted_path.rstrip("/")
    found = problems(Answer(case.method.upper(), path, response.status_code, _headers(response), response.content))
    if _code(response) == UNFORESEEN:
        found.append(f"{case.method} {path}: {UNFORESEEN}")
    _fail(case, "Not as described", found)


@schemathesis.check
def sound_data_is_taken(ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """What fits the schema is refused for what it asks alone, and not for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or _code(response) not in NOT_TAKEN:
        return
    fields = response.json()["details"]["fields"]
    if not fields or set(fields) - set(RULES_BEYOND_SCHEMAS):
        _fail(case, "Sound data is not taken", [response.json()["detail"]])


@schemathesis.check
def nothing_opens_without_a_token(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """Once for each operation that has answered: the same request without a token is a 401.

    schemathesis's own check, `ignored_auth`, takes away the app's id as well, for which the published order answers 400 first.
    """
    label = case.operation.label
    if response.status_code >= 300 or label in _asked_without_token or not case.operation.definition.raw.get("security"):
        return
    _asked_without_token.add(label)
    sent = response.request
    headers = {name: value for name, value in sent.headers.items() if name.lower() not in TOKENS}
    address = urlsplit(str(sent.url))
    answer = Client(application).open(
        address.path, method=str(sent.method), query_string=address.query, headers=headers, data=sent.body
    )
    _fail(case, "Opens without a token", [] if answer.status_code == HTTPStatus.UNAUTHORIZED else [str(answer.status_code)])


def _fail(case: schemathesis.Case, title: str, problems_found: list[str]) -> None:
    if problems_found:
        raise Failure(operation=case.operation.label, title=title, message="\n".join(problems_found))


def _headers(response: schemathesis.Response) -> dict[str, str]:
    return {name: values[0] for name, values in response.headers.items()}


def _code(response: schemathesis.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("details", {}).get("code", "")) if isinstance(body, dict) else ""
