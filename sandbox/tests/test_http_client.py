"""The door that the SDK uses."""

from typing import Any

import pytest
import stripe
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from sandbox.transport.http_client import SandboxHTTPClient


class TestTheSandboxClient:
    @pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x"])
    def test_never_takes_a_live_key(self, db: None, key: str) -> None:
        client = stripe.StripeClient(key, http_client=SandboxHTTPClient())
        with pytest.raises(ImproperlyConfigured):
            client.v1.customers.create()

    def test_does_not_start_beside_a_live_key(self, settings: Settings) -> None:
        settings.STRIPE_ENVIRONMENT = "live"
        with pytest.raises(ImproperlyConfigured):
            SandboxHTTPClient()

    @pytest.mark.parametrize("key", ["pk_test_x", "rk_test_x", "nonsense"])
    def test_answers_401_to_any_key_but_a_test_key(self, db: None, key: str) -> None:
        client = stripe.StripeClient(key, http_client=SandboxHTTPClient())
        with pytest.raises(stripe.AuthenticationError) as refused:
            client.v1.customers.create()
        assert refused.value.http_status == 401
        assert "Invalid API Key provided" in str(refused.value)

    def test_never_shows_a_whole_key(self, db: None) -> None:
        client = stripe.StripeClient("xx_test_abcdefghijklmnop", http_client=SandboxHTTPClient())
        with pytest.raises(stripe.AuthenticationError) as refused:
            client.v1.customers.create()
        assert "xx_test_************mnop" in str(refused.value)

    def test_gives_every_answer_a_request_id(self, v1: Any) -> None:
        made = v1.customers.create()
        assert made.last_response.request_id.startswith("req_")
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.customers.retrieve("cus_unknown")
        assert (refused.value.request_id or "").startswith("req_")
        assert refused.value.request_id != made.last_response.request_id

    def test_names_its_headers_without_regard_to_case(self, v1: Any) -> None:
        headers = v1.customers.create().last_response.headers
        assert headers["request-id"] == headers["Request-Id"]
        assert headers["stripe-version"] == stripe.api_version

    def test_answers_404_to_an_unknown_address(self, db: None) -> None:
        client = stripe.StripeClient("sk_test_x", http_client=SandboxHTTPClient())
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.products.create({"name": "x"})
        assert refused.value.http_status == 404
        assert "Unrecognized request URL (POST: /v1/products)" in str(refused.value)

    def test_streams_the_same_answer(self, v1: Any) -> None:
        stream, status, headers = SandboxHTTPClient().request_stream(
            "get", "https://api.stripe.com/v1/customers", {"Authorization": "Bearer sk_test_x"}
        )
        assert status == 200
        assert b'"object": "list"' in stream.read()
        assert headers["Request-Id"].startswith("req_")

    def test_answers_400_to_a_malformed_form(self, db: None) -> None:
        body, status, headers = SandboxHTTPClient().request(
            "post", "https://api.stripe.com/v1/customers", {"Authorization": "Bearer sk_test_x"}, "a[b=1"
        )
        assert status == 400
        assert "Invalid parameter name" in body
        assert headers["Request-Id"].startswith("req_")
