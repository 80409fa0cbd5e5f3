"""Ordered faults, each seen through the real SDK: in this process, and over HTTP at a running service."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import stripe
from django.conf import settings

from commercecore_payments.tests.service import free_port
from gateway.outcomes import was_refused
from sandbox.faults.fault_kinds import REQUEST_KINDS
from sandbox.transport.http_client import SandboxHTTPClient

# Seconds. Long enough for the effect of what then times out, and for any answer that is to come.
SHORT, LONG = 3, 60


@dataclass(frozen=True)
class Transport:
    """A way to the sandbox: a client that waits long for an answer, and one that gives up soon."""

    patient: stripe.StripeClient
    hasty: stripe.StripeClient
    real: bool

    def client(self, kind: str) -> Any:
        return (self.hasty if kind.startswith("time_out") else self.patient).v1


def over_http(address: str, seconds: float) -> stripe.StripeClient:
    client = stripe.RequestsClient(timeout=seconds)
    return stripe.StripeClient("sk_test_x", http_client=client, base_addresses={"api": address})


def in_process(address: str = "https://api.stripe.com") -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_x", http_client=SandboxHTTPClient(), base_addresses={"api": address})


@pytest.fixture(params=["in process", "over HTTP"])
def transport(request: pytest.FixtureRequest) -> Iterator[Transport]:
    if request.param == "in process":
        request.getfixturevalue("db")
        yield Transport(in_process(), in_process(), real=False)
        return
    address = request.getfixturevalue("served")
    yield Transport(over_http(address, LONG), over_http(address, SHORT), real=True)


@pytest.fixture
def email() -> str:
    """An address that no other test's customer has: the running service is shared."""
    return f"{secrets.token_hex(8)}@example.com"


def ordering(header: str, key: str = "") -> Any:
    options: dict[str, Any] = {"headers": {"Sandbox-Fault": header}} if header else {}
    return options | ({"idempotency_key": key} if key else {})


def customers(transport: Transport, email: str) -> int:
    """How many customers of this address there are at Stripe."""
    return sum(customer.email == email for customer in transport.patient.v1.customers.list({"limit": 100}).data)


def meet(transport: Transport, kind: str, email: str) -> stripe.StripeError:
    """The error that the SDK raises when a customer's creation meets the fault."""
    with pytest.raises(stripe.StripeError) as refused:
        transport.client(kind).customers.create({"email": email}, ordering(kind, key=email))
    return refused.value


def create_again(transport: Transport, email: str) -> bool:
    """Makes the customer under the same key, with no fault. Whether that only told an earlier answer again."""
    services: Any = transport.patient.v1
    return "Idempotent-Replayed" in services.customers.create({"email": email}, ordering("", key=email)).last_response.headers


def causes(error: BaseException | None) -> list[str]:
    """The classes of an error and of what led to it."""
    found = []
    while error is not None:
        found.append(type(error).__name__)
        error = error.__cause__
    return found


class TestALostAnswer:
    @pytest.mark.parametrize(
        ("kind", "cause", "effect"),
        [
            ("time_out_before", "ReadTimeout", 0),
            ("time_out_after", "ReadTimeout", 1),
            ("drop_answer", "ConnectionError", 1),
        ],
    )
    def test_is_a_connection_error_and_converges(
        self, transport: Transport, email: str, kind: str, cause: str, effect: int
    ) -> None:
        error = meet(transport, kind, email)
        assert isinstance(error, stripe.APIConnectionError)
        assert (error.should_retry, error.http_status, error.code) == (True, None, None)
        assert causes(error)[:2] == ["APIConnectionError", cause]
        assert "Unexpected error communicating with Stripe." in str(error)
        assert not was_refused(error)
        assert customers(transport, email) == effect
        assert create_again(transport, email) is bool(effect)
        assert customers(transport, email) == 1

    def test_that_was_dropped_ends_the_connection_without_a_word(self, transport: Transport, email: str) -> None:
        error = meet(transport, "drop_answer", email)
        assert "'Connection aborted.', RemoteDisconnected('Remote end closed connection without response')" in str(error)


class TestARefusedConnection:
    def test_leaves_nothing_behind(self, transport: Transport, email: str) -> None:
        error = meet(transport, "refuse_connection", email)
        assert isinstance(error, stripe.APIConnectionError)
        assert (error.should_retry, customers(transport, email)) == (True, 0)
        # A server cannot refuse a connection that exists: it closes it, and nobody can tell that from a dropped answer.
        assert was_refused(error) is not transport.real
        assert not create_again(transport, email)
        assert customers(transport, email) == 1

    def test_looks_in_process_as_it_does_at_a_closed_port(self, db: None) -> None:
        address = f"http://127.0.0.1:{free_port()}"
        with pytest.raises(stripe.APIConnectionError) as real:
            over_http(address, SHORT).v1.customers.create()
        with pytest.raises(stripe.APIConnectionError) as ordered:
            in_process(address).v1.customers.create(None, {"headers": {"Sandbox-Fault": "refuse_connection"}})
        assert (was_refused(real.value), was_refused(ordered.value)) == (True, True)
        assert str(ordered.value) == str(real.value)
        assert causes(ordered.value) == causes(real.value)[:2] == ["APIConnectionError", "ConnectionError"]
        assert ordered.value.should_retry is real.value.should_retry is True


class TestARefusalBeforeTheKeyIsLookedAt:
    @pytest.mark.parametrize(
        ("kind", "raised", "status", "code"),
        [
            ("limit_rate", stripe.RateLimitError, 429, "rate_limit"),
            ("lock_timeout", stripe.RateLimitError, 429, "lock_timeout"),
            ("key_in_use", stripe.APIError, 409, "idempotency_key_in_use"),
        ],
    )
    def test_is_not_kept(self, transport: Transport, email: str, kind: str, raised: type, status: int, code: str) -> None:
        error = meet(transport, kind, email)
        assert type(error) is raised
        assert error.error is not None
        assert (error.http_status, error.error.code) == (status, code)
        assert (error.request_id or "").startswith("req_")
        assert "Original-Request" not in (error.headers or {})
        assert customers(transport, email) == 0
        assert not create_again(transport, email)
        assert customers(transport, email) == 1


class TestAFailureOfStripes:
    @pytest.mark.parametrize(("kind", "effect"), [("fail_inside", 0), ("fail_after", 1)])
    def test_is_kept_and_answered_again(self, transport: Transport, email: str, kind: str, effect: int) -> None:
        first = meet(transport, kind, email)
        with pytest.raises(stripe.APIError) as refused:
            transport.patient.v1.customers.create({"email": email}, ordering("", key=email))
        for error in (first, refused.value):
            assert (type(error), error.http_status) == (stripe.APIError, 500)
            assert error.json_body["error"]["type"] == "api_error"  # type: ignore[index]
        assert "Idempotent-Replayed" not in (first.headers or {})
        assert (refused.value.headers or {})["Idempotent-Replayed"] == "true"
        assert customers(transport, email) == effect
        assert transport.patient.v1.customers.create({"email": email}).email == email

    def test_after_a_decline_hides_it_and_keeps_the_failed_charge(
        self, v1: Any, at_seller: dict[str, str], new_payment: Any
    ) -> None:
        payment = new_payment()
        options = at_seller | {"headers": {"Sandbox-Fault": "fail_after"}}
        with pytest.raises(stripe.APIError) as refused:
            v1.payment_intents.confirm(payment.id, {"payment_method": "pm_card_chargeDeclined"}, options)
        assert refused.value.http_status == 500
        assert [charge.status for charge in v1.charges.list(None, at_seller)] == ["failed"]


class TestASlowAnswer:
    def test_arrives(self, transport: Transport, email: str) -> None:
        made = transport.patient.v1.customers.create({"email": email}, ordering("answer_slowly; delay_s=0.05"))
        assert (made.email, customers(transport, email)) == (email, 1)

    def test_waits_as_long_as_was_ordered(self, v1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        waited: list[float] = []
        monkeypatch.setattr("time.sleep", waited.append)
        v1.customers.create(None, ordering("answer_slowly; delay_s=12.5"))
        v1.customers.create()
        assert waited == [12.5]

    def test_is_no_answer_to_a_program_that_waits_no_longer(self, v1: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        waited: list[float] = []
        monkeypatch.setattr("time.sleep", waited.append)
        with pytest.raises(stripe.APIConnectionError) as refused:
            v1.customers.create(None, ordering("answer_slowly; delay_s=31"))
        assert waited == [settings.STRIPE_TIMEOUT_S] == [30.0]
        assert causes(refused.value)[1] == "ReadTimeout"
        assert len(v1.customers.list().data) == 1


class TestAHeader:
    @pytest.mark.parametrize(
        "text",
        [
            "explode",
            "drop_event",
            "time_out_after path=/confirm",
            "time_out_after; speed=2",
            "time_out_after; times=0",
            "time_out_after; times=1001",
            "time_out_after; times=2; times=3",
            "time_out_after; delay_s=61",
            "time_out_after; delay_s=-1",
            "time_out_after; delay_s=nan",
            "time_out_after; method=PATCH",
            "time_out_after;",
            "answer_slowly",
            "answer_slowly; delay_s=0.0",
        ],
    )
    def test_that_is_malformed_is_refused_by_name(self, v1: Any, text: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.customers.create(None, ordering(text))
        assert (refused.value.http_status, refused.value.param) == (400, "Sandbox-Fault")
        assert "Malformed header Sandbox-Fault: " in str(refused.value)
        assert v1.customers.list().data == []

    def test_is_for_the_address_and_the_method_that_it_names(self, v1: Any) -> None:
        for elsewhere in ("limit_rate; path=/refunds", "limit_rate; method=GET"):
            assert v1.customers.create(None, ordering(elsewhere)).id
        for here in ("limit_rate; path=/customers", "limit_rate; method=POST"):
            with pytest.raises(stripe.RateLimitError):
                v1.customers.create(None, ordering(here))

    def test_reaches_a_read(self, v1: Any) -> None:
        with pytest.raises(stripe.RateLimitError):
            v1.customers.list(None, ordering("limit_rate"))


class TestAPlanAtARunningService:
    def test_is_met(self, served: str, email: str) -> None:
        order = {"kind": "fail_inside", "path": "/customers", "method": "POST"}
        answer = requests.post(
            f"{served}/sandbox/api/faults", json=order, headers={"Authorization": "Bearer sk_test_x"}, timeout=LONG
        )
        assert answer.status_code == 200
        services = over_http(served, LONG).v1
        with pytest.raises(stripe.APIError):
            services.customers.create({"email": email})
        assert services.customers.create({"email": email}).email == email


def test_every_kind_of_request_is_tried_above() -> None:
    tried = "time_out_before time_out_after drop_answer refuse_connection limit_rate lock_timeout key_in_use"
    assert {*tried.split(), "fail_inside", "fail_after", "answer_slowly"} == REQUEST_KINDS
