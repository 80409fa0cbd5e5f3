"""Faults of the network between us and Stripe, for tests: the real client, the real sandbox, and a broken wire."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests.exceptions
import stripe
import urllib3.exceptions
from requests.structures import CaseInsensitiveDict

from gateway.models import Operation
from sandbox.transport.http_client import SandboxHTTPClient

Answer = tuple[Any, int, Mapping[str, str]]
Send = Callable[..., Answer]


def connection_error(cause: Exception) -> stripe.APIConnectionError:
    """What the SDK raises when requests failed with `cause`."""
    error = stripe.APIConnectionError("Unexpected error communicating with Stripe.", should_retry=True)
    error.__cause__ = cause
    return error


def refuse_connection(send: Send, *request: Any) -> Answer:
    """Nothing leaves: the connection is refused, as requests reports it."""
    refused = urllib3.exceptions.NewConnectionError(None, "[Errno 111] Connection refused")  # type: ignore[arg-type]
    retries = urllib3.exceptions.MaxRetryError(None, "/v1", refused)  # type: ignore[arg-type]
    raise connection_error(requests.exceptions.ConnectionError(retries))


def time_out_before(send: Send, *request: Any) -> Answer:
    """The request is lost on its way: no effect, and nobody can tell."""
    raise connection_error(requests.exceptions.ReadTimeout("read timed out"))


def time_out_after(send: Send, *request: Any) -> Answer:
    """Stripe does it, and its answer is lost."""
    send(*request)
    raise connection_error(requests.exceptions.ReadTimeout("read timed out"))


class sent_late:  # noqa: N801 - a fault like the functions beside it
    """The answer does not come, and Stripe gets the request when the test lets it `arrive`."""

    def __init__(self) -> None:
        self._sendings: list[Callable[[], Answer]] = []

    def __call__(self, send: Send, *request: Any) -> Answer:
        self._sendings.append(lambda: send(*request))
        return time_out_before(send, *request)

    def arrives(self) -> None:
        """Stripe carries out the first that is still on its way."""
        self._sendings.pop(0)()


def answer(status: int, error: Any) -> Callable[..., Answer]:
    """Stripe answers an error of its own, and does nothing."""

    def fault(send: Send, *request: Any) -> Answer:
        return stripe_error(status, error)

    return fault


def stripe_error(status: int, error: Any) -> Answer:
    return json.dumps({"error": error}), status, CaseInsensitiveDict({"Request-Id": "req_fault"})


fail_inside = answer(500, {"type": "api_error", "message": "Something went wrong on Stripe's end."})
limit_rate = answer(429, {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."})
key_in_use = answer(
    409, {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": "There is another in-progress request."}
)


@contextmanager
def stripe_fails(monkeypatch: pytest.MonkeyPatch, fault: Callable[..., Answer], *, path: str) -> Iterator[list[str]]:
    """While open, each POST or DELETE to an address that contains `path` meets `fault`. Yields those addresses."""
    whole = SandboxHTTPClient.request
    met: list[str] = []

    def request(self: SandboxHTTPClient, method: str, url: str, headers: Any, post_data: Any = None, **rest: Any) -> Answer:
        def send(*arguments: Any) -> Answer:
            return whole(self, *arguments)

        if method.lower() == "get" or path not in url:
            return send(method, url, headers, post_data)
        met.append(url)
        return fault(send, method, url, headers, post_data)

    with monkeypatch.context() as patch:
        patch.setattr(SandboxHTTPClient, "request", request)
        yield met


def killed(send: Any, *request: Any) -> Answer:
    """The process dies while it waits."""
    raise KeyboardInterrupt


LOST_OR_UNSURE = pytest.mark.parametrize(
    "fault", [time_out_before, time_out_after, fail_inside, limit_rate, key_in_use], ids=lambda fault: fault.__name__
)


def assert_outcome_unknown(response: Any, operation: Operation) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["details"]["code"] == "outcome_unknown"
    assert response.json()["details"]["operation_id"] == operation.pk
    assert (operation.status, operation.closed_at) == ("unknown", None)
