"""Deliveries: events really posted to a receiver, signed, repeated where that failed, and disturbed where it was ordered."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
import time_machine
from django.core.management import call_command
from pytest_django import Settings

from sandbox.faults import plans
from sandbox.models import SandboxDelivery
from sandbox.tests.conftest import Services
from sandbox.tests.receiver import Receiver, receiving
from sandbox.timeline import due
from sandbox.webhooks import deliveries, receivers

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
ARRIVES_WITHIN_S = 60  # however busy the machine is; an event usually takes a second


@pytest.fixture
def moment() -> Iterator[Any]:
    """The real clock, which stands still until it is moved."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def receiver(moment: Any) -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def secret(v1: Services, receiver: Receiver) -> str:
    """The signing secret of the platform's endpoint, which gets everything."""
    return str(v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]}).secret)


@pytest.fixture
def happen(v1: Services, secret: str) -> Callable[[str], str]:
    """Makes a customer of this name at the platform, and gives the id of the event that tells of it."""

    def make(name: str) -> str:
        v1.customers.create({"name": name})
        return str(v1.events.list({"limit": 1}).data[0].id)

    return make


def arrived(receiver: Receiver) -> list[str]:
    """The customers' names of the events that arrived, in their order."""
    return [json.loads(body)["data"]["object"]["name"] for body in receiver.bodies]


class TestADelivery:
    def test_is_an_event_that_the_sdk_accepts(
        self, v1: Services, receiver: Receiver, secret: str, happen: Callable[[str], str]
    ) -> None:
        event_id = happen("Jenny")
        assert v1.events.retrieve(event_id).pending_webhooks == 1

        assert deliveries.deliver_due() == 1

        headers = receiver.headers[0]
        event = stripe.Webhook.construct_event(receiver.bodies[0], headers["Stripe-Signature"], secret)
        assert event.to_dict() == v1.events.retrieve(event_id).to_dict() | {"pending_webhooks": 1}
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert v1.events.retrieve(event_id).pending_webhooks == 0
        assert deliveries.deliver_due() == 0
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(receiver.bodies[0] + b" ", headers["Stripe-Signature"], secret)

    def test_is_signed_by_the_real_clock_however_far_the_sandbox_is(
        self, receiver: Receiver, happen: Callable[[str], str]
    ) -> None:
        due.move_clock(timedelta(days=20))
        happen("Jenny")

        deliveries.deliver_due()

        assert receiver.headers[0]["Stripe-Signature"].startswith(f"t={int(NOON.timestamp())},")

    @pytest.mark.parametrize("answer", [301, 302, 400, 500])
    def test_that_is_not_answered_with_success_is_tried_three_times_more(
        self, moment: Any, receiver: Receiver, happen: Callable[[str], str], answer: int
    ) -> None:
        receiver.answers = [answer]
        happen("Jenny")

        for wait in (timedelta(), *deliveries.WAITS, timedelta(days=30)):
            moment.shift(wait - timedelta(seconds=1))
            assert deliveries.deliver_due() == 0
            moment.shift(timedelta(seconds=1))
            deliveries.deliver_due()

        delivery = SandboxDelivery.objects.get()
        assert (delivery.status, delivery.attempts, delivery.last_status) == ("failed", 4, answer)
        assert len(receiver.bodies) == 4
        assert len(set(receiver.bodies)) == 1

    def test_that_succeeds_later_is_not_sent_again(self, moment: Any, receiver: Receiver, happen: Callable[[str], str]) -> None:
        receiver.answers = [500, 200]
        happen("Jenny")

        for _ in range(3):
            deliveries.deliver_due()
            moment.shift(deliveries.WAITS[0])

        assert len(receiver.bodies) == 2
        assert SandboxDelivery.objects.get().status == "succeeded"

    def test_that_a_process_has_taken_is_no_others_until_its_lease_is_over(
        self, moment: Any, receiver: Receiver, happen: Callable[[str], str]
    ) -> None:
        happen("Jenny")
        assert deliveries.claim() is not None  # and then that process dies

        assert deliveries.deliver_due() == 0
        moment.shift(deliveries.LEASE)
        assert deliveries.deliver_due() == 1

        assert arrived(receiver) == ["Jenny"]

    def test_to_an_endpoint_that_was_disabled_since_is_given_up(
        self, v1: Services, receiver: Receiver, happen: Callable[[str], str]
    ) -> None:
        happen("Jenny")
        v1.webhook_endpoints.update(v1.webhook_endpoints.list().data[0].id, {"disabled": True})

        deliveries.deliver_due()

        assert SandboxDelivery.objects.get().status == "failed"
        assert receiver.bodies == []

    def test_is_made_by_the_command_too(self, receiver: Receiver, happen: Callable[[str], str]) -> None:
        happen("Jenny")

        call_command("run_sandbox", once=True)

        assert arrived(receiver) == ["Jenny"]


class TestAnOrderedFault:
    def test_delays_an_event(self, moment: Any, receiver: Receiver, happen: Callable[[str], str]) -> None:
        plans.order("delay_event", delay_s=90)
        happen("late")
        happen("punctual")

        deliveries.deliver_due()
        assert arrived(receiver) == ["punctual"]

        moment.shift(timedelta(seconds=90))
        deliveries.deliver_due()
        assert arrived(receiver) == ["punctual", "late"]

    def test_doubles_an_event(self, receiver: Receiver, happen: Callable[[str], str]) -> None:
        plans.order("double_event")
        happen("twice")
        happen("once")

        deliveries.deliver_due()

        assert sorted(arrived(receiver)) == ["once", "twice", "twice"]
        assert len({json.loads(body)["id"] for body in receiver.bodies}) == 2

    def test_drops_an_event_that_is_still_listed(self, v1: Services, receiver: Receiver, happen: Callable[[str], str]) -> None:
        plans.order("drop_event")
        dropped = happen("lost")
        happen("found")

        deliveries.deliver_due()

        assert arrived(receiver) == ["found"]
        assert SandboxDelivery.objects.get(event__stripe_id=dropped).status == "dropped"
        assert v1.events.retrieve(dropped).data.object.name == "lost"

    def test_lets_the_next_event_overtake(self, moment: Any, receiver: Receiver, happen: Callable[[str], str]) -> None:
        plans.order("shuffle_event")
        happen("first")
        deliveries.deliver_due()
        assert receiver.bodies == []

        moment.shift(timedelta(seconds=1))
        happen("second")
        deliveries.deliver_due()

        assert arrived(receiver) == ["second", "first"]

    def test_holds_an_event_that_none_overtakes_for_a_minute(
        self, moment: Any, receiver: Receiver, happen: Callable[[str], str]
    ) -> None:
        plans.order("shuffle_event")
        happen("only")

        moment.shift(timedelta(seconds=60))
        deliveries.deliver_due()

        assert arrived(receiver) == ["only"]

    def test_hits_its_type_alone_and_waits_for_an_event_that_goes_somewhere(self, v1: Services, receiver: Receiver) -> None:
        plans.order("drop_event", event_type="customer.updated")
        unheard = v1.customers.create({"name": "unheard"})
        v1.customers.update(unheard.id, {"name": "unheard still"})
        v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
        created = v1.customers.create({"name": "created"})
        v1.customers.update(created.id, {"name": "updated"})

        deliveries.deliver_due()

        assert arrived(receiver) == ["created"]
        assert not plans.planned().exists()


class TestAnAddress:
    @pytest.mark.parametrize(
        "address",
        [
            "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1", "224.0.0.1", "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe", "2002:a00:1::", "::a9fe:a9fe", "fec0::1",
        ],
    )  # fmt: skip
    def test_inside_a_network_is_refused(self, address: str) -> None:
        with pytest.raises(receivers.NotDelivered, match="not a public address"):
            receivers.post(f"http://{f'[{address}]' if ':' in address else address}/", "{}", "t=1,v1=0")

    def test_inside_a_network_is_tried_where_the_settings_name_its_host(self, settings: Settings) -> None:
        settings.SANDBOX_WEBHOOK_HOSTS = ["0.0.0.0"]  # noqa: S104 - this machine, by a name that is not its loopback
        with receiving() as receiver:
            assert receivers.post(receiver.url.replace("127.0.0.1", "0.0.0.0"), "{}", "t=1,v1=0") == 200  # noqa: S104

    @pytest.mark.parametrize("host", ["a..b", ".localhost", "a" * 300 + ".example"])
    def test_that_no_name_server_could_know_keeps_no_other_from_its_events(
        self, v1: Services, receiver: Receiver, host: str
    ) -> None:
        v1.webhook_endpoints.create({"url": f"http://{host}/", "enabled_events": ["*"]})
        v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
        v1.customers.create({"name": "heard"})

        deliveries.deliver_due()

        assert arrived(receiver) == ["heard"]

    def test_that_is_refused_says_so_in_its_delivery(self, v1: Services) -> None:
        v1.webhook_endpoints.create({"url": "http://10.0.0.1/", "enabled_events": ["*"]})
        v1.customers.create({})

        deliveries.deliver_due()

        delivery = SandboxDelivery.objects.get()
        assert (delivery.status, delivery.attempts, delivery.last_status) == ("pending", 1, None)
        assert "10.0.0.1" in delivery.last_error

    def test_where_nobody_listens_is_tried_again_later(self, v1: Services) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, and listening to nobody
            v1.webhook_endpoints.create({"url": f"http://127.0.0.1:{taken.getsockname()[1]}/", "enabled_events": ["*"]})
            v1.customers.create({})

            deliveries.deliver_due()

        delivery = SandboxDelivery.objects.get()
        assert (delivery.status, delivery.attempts) == ("pending", 1)
        assert "ConnectionRefusedError" in delivery.last_error

    def test_that_does_not_answer_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receivers, "SILENCE_S", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(receivers.NotDelivered, match="TimeoutError"):
            receivers.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", "{}", "t=1,v1=0")

    def test_that_answers_without_end_is_cut_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receivers, "LONGEST_S", 0.05)
        with socket.create_server(("127.0.0.1", 0)) as endless, pytest.raises(receivers.NotDelivered):
            receivers.post(f"http://127.0.0.1:{endless.getsockname()[1]}/", "{}", "t=1,v1=0")

    def test_without_tls_where_tls_is_asked_for_is_not_delivered_to(self) -> None:
        with receiving() as plain, pytest.raises(receivers.NotDelivered, match="SSLError"):
            receivers.post(plain.url.replace("http:", "https:"), "{}", "t=1,v1=0")


class TestAServedService:
    def test_delivers_while_nobody_asks_it_anything(self, served: str) -> None:
        v1 = stripe.StripeClient("sk_test_x", base_addresses={"api": served}).v1
        with receiving() as receiver:
            endpoint = v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
            customer = v1.customers.create({"name": "Jenny"})

            assert receiver.was_reached.wait(ARRIVES_WITHIN_S)

        v1.webhook_endpoints.delete(endpoint.id)
        event = stripe.Webhook.construct_event(receiver.bodies[0], receiver.headers[0]["Stripe-Signature"], endpoint.secret)
        assert (event.type, event.data.object.id) == ("customer.created", customer.id)
