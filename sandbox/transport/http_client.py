"""The door of the offline Stripe for the official SDK: its requests are answered in this process."""

import io
from collections.abc import Mapping
from typing import Any

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from requests.structures import CaseInsensitiveDict

from commercecore_payments.stripe_keys import LIVE_KEYS
from sandbox.api import server
from sandbox.api.errors import StripeError
from sandbox.api.wire import Answer, read_request
from sandbox.faults import fault_kinds
from sandbox.faults.fault_kinds import Fault, NoAnswer
from sandbox.transport import network


class SandboxHTTPClient(stripe.HTTPClient):
    """Stands where the SDK's connection to Stripe would be: `StripeClient("sk_test_…", http_client=SandboxHTTPClient())`.

    Raises ImproperlyConfigured beside a live key, whether it is configured or sent.
    """

    name = "sandbox"

    def __init__(self) -> None:
        super().__init__()
        if settings.STRIPE_ENVIRONMENT == "live":
            raise ImproperlyConfigured("The sandbox does not start beside a live Stripe key.")

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answers one request: the body, the status and the headers. Nothing travels.

        Raises stripe.APIConnectionError where a fault was ordered that leaves the caller without an answer.
        """
        try:
            found = self._answer(method, url, headers or {}, post_data)
        except NoAnswer as unanswered:
            network.fail(unanswered.fault, method=method, url=url)
        fault_kinds.wait(min(found.delay_s, settings.STRIPE_TIMEOUT_S))
        if found.delay_s > settings.STRIPE_TIMEOUT_S:
            network.fail(Fault("time_out_after"), method=method, url=url)
        return found.text(), found.status, CaseInsensitiveDict(found.headers)

    def request_stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """The same answer, its body as a stream of bytes."""
        body, status, answered = self.request(method, url, headers, post_data)
        return io.BytesIO(body.encode()), status, answered

    def close(self) -> None:
        """There is no connection to close."""

    @staticmethod
    def _answer(method: str, url: str, headers: Mapping[str, str], post_data: Any) -> Answer:
        form = post_data.decode() if isinstance(post_data, bytes) else post_data or ""
        try:
            request = read_request(method=method, url=url, headers=headers, form=form)
        except StripeError as refused:
            return server.refuse(refused)
        if request.key.startswith(LIVE_KEYS):
            raise ImproperlyConfigured("The sandbox never takes a live Stripe key.")
        return server.answer(request)
