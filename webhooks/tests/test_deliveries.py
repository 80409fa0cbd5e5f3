"""Deliveries: what a receiver gets, what is noted of it, and what a failure leads to."""

from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks
from cryptography.fernet import Fernet
from pytest_django import Settings

from commercecore_payments import clock
from commercecore_payments.clock import database_now
from webhooks import deliveries, posting, sending
from webhooks.deliveries import LEASE, claim, give_back, stop_stranded
from webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint
from webhooks.schedule import WAITS
from webhooks.secrets import ROTATION_LASTS, new_secret, rotate, signing_secrets
from webhooks.sending import deliver_next
from webhooks.tests.receivers import Receiver, Scripted, make_endpoint, receiving, tell

pytestmark = pytest.mark.django_db(transaction=True)

# Longer than a wait with its jitter.
JITTERED = 1.11


def sent() -> int:
    """Does what is due, as one worker does; how many times there was something."""
    times = 0
    while deliver_next():
        times += 1
    return times


def attempts_of(delivery: Delivery) -> list[tuple[int, int | None, str, str]]:
    return list(DeliveryAttempt.objects.filter(delivery=delivery).values_list("number", "http_status", "error", "answer"))


def state(delivery: Delivery) -> tuple[str, int, int]:
    """Its status, its attempts, and its place in the schedule; it is in nobody's hands."""
    delivery.refresh_from_db()
    assert delivery.leased_until is None
    return delivery.status, delivery.attempts, delivery.scheduled_attempts


def off(endpoint: WebhookEndpoint) -> tuple[str, str]:
    endpoint.refresh_from_db()
    return endpoint.status, endpoint.disabled_reason


class TestADelivery:
    def test_is_what_any_library_of_standard_webhooks_accepts(self) -> None:
        with receiving() as receiver:
            endpoint = make_endpoint(receiver.url)
            [delivery] = tell(endpoint)
            assert sent() == 1
        headers = receiver.headers[0]
        [secret] = signing_secrets(endpoint, database_now())
        standardwebhooks.Webhook(secret).verify(receiver.bodies[0], {name.lower(): value for name, value in headers.items()})
        assert receiver.bodies == [delivery.event.body]
        assert "✓" in receiver.bodies[0]
        told = [headers[name] for name in ("webhook-id", "Content-Type", "User-Agent", "Webhook-Endpoint-Sequence")]
        assert told == [delivery.event_id, "application/json", "CommerceCore-Webhooks/1.0", "1"]
        assert state(delivery) == ("succeeded", 1, 1)
        assert delivery.finished_at is not None
        assert attempts_of(delivery) == [(1, 200, "", "ok")]

    def test_is_signed_with_both_secrets_while_a_rotation_lasts(self) -> None:
        with receiving() as receiver:
            endpoint = make_endpoint(receiver.url)
            [old] = signing_secrets(endpoint, database_now())
            rotate(endpoint, new_secret(), moment=database_now())
            endpoint.save()
            tell(endpoint)
            sent()
            with clock.moved_ahead(ROTATION_LASTS + timedelta(seconds=1)):
                tell(endpoint)
                sent()
        endpoint.refresh_from_db()
        assert (endpoint.previous_secret, endpoint.previous_secret_key_id, endpoint.previous_secret_expires_at) == ("", "", None)
        signatures = [headers["webhook-signature"].split() for headers in receiver.headers]
        assert [len(each) for each in signatures] == [2, 1]
        signed = {name.lower(): value for name, value in receiver.headers[0].items()}
        standardwebhooks.Webhook(old).verify(receiver.bodies[0], signed)

    def test_is_sent_once(self) -> None:
        with receiving() as receiver:
            tell(make_endpoint(receiver.url))
            assert sent() == 1
            with clock.moved_ahead(timedelta(days=10)):
                assert sent() == 0
        assert len(receiver.bodies) == 1

    def test_follows_the_one_before_it_over_the_same_connection(self) -> None:
        with receiving() as receiver:
            tell(make_endpoint(receiver.url), 15)
            assert sent() == 2
        assert [headers["Webhook-Endpoint-Sequence"] for headers in receiver.headers] == [str(number) for number in range(1, 16)]
        assert receiver.connections == 2

    def test_keeps_of_the_answer_what_shows_what_went_wrong(self) -> None:
        with receiving(Scripted(500, text=b"\x00" + b"\xff" * 3 + b"x" * 5000)) as receiver:
            [delivery] = tell(make_endpoint(receiver.url))
            sent()
        [(_, status, error, answer)] = attempts_of(delivery)
        assert (status, error, len(answer), answer[:5]) == (500, "", 1024, "\ufffd\ufffd\ufffd\ufffdx")

    def test_says_why_there_was_no_answer(self) -> None:
        [delivery] = tell(make_endpoint("http://127.0.0.1:9/"))
        sent()
        [(number, status, error, answer)] = attempts_of(delivery)
        assert (number, status, answer) == (1, None, "")
        assert error.startswith("ConnectionRefusedError: ")
        assert state(delivery) == ("pending", 1, 1)

    def test_of_an_address_that_became_private_is_not_posted(self) -> None:
        [delivery] = tell(make_endpoint("http://10.0.0.1/"))
        sent()
        assert attempts_of(delivery) == [(1, None, "10.0.0.1 is not a public address.", "")]

    def test_whose_secret_cannot_be_decrypted_says_so_and_blames_nobody(self, settings: Settings) -> None:
        with receiving() as receiver:
            endpoint = make_endpoint(receiver.url)
            [delivery] = tell(endpoint)
            settings.WEBHOOK_SECRET_KEYS = f"other:{Fernet.generate_key().decode()}"
            sent()
        assert receiver.bodies == []
        [(_, status, error, _)] = attempts_of(delivery)
        assert (status, error[:42]) == (None, "The secret of this webhook endpoint cannot")
        assert state(delivery) == ("pending", 1, 1)
        endpoint.refresh_from_db()
        assert endpoint.failing_since is None

    def test_whose_previous_secret_cannot_be_decrypted_is_signed_with_the_present_one(self, settings: Settings) -> None:
        with receiving() as receiver:
            endpoint = make_endpoint(receiver.url)
            new = f"new:{Fernet.generate_key().decode()}"
            settings.WEBHOOK_SECRET_KEYS = f"{new},{settings.WEBHOOK_SECRET_KEYS}"
            secret = new_secret()
            rotate(endpoint, secret, moment=database_now())
            endpoint.save()
            settings.WEBHOOK_SECRET_KEYS = new
            [delivery] = tell(endpoint)
            sent()
        assert state(delivery) == ("succeeded", 1, 1)
        standardwebhooks.Webhook(secret).verify(
            receiver.bodies[0], {name.lower(): value for name, value in receiver.headers[0].items()}
        )
        assert len(receiver.headers[0]["webhook-signature"].split()) == 1

    def test_that_meets_an_error_of_ours_keeps_no_other_from_its_receiver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = posting.post

        def broken(url: str, **rest: Any) -> posting.Answer:
            if "broken" in url:
                raise KeyError("a slip of ours")
            return whole(url, **rest)

        monkeypatch.setattr(posting, "post", broken)
        with receiving() as receiver:
            [first] = tell(make_endpoint(receiver.url + "&broken"))
            [second] = tell(make_endpoint(receiver.url))
            assert sent() == 2
        assert (state(first)[0], state(second)[0]) == ("pending", "succeeded")
        assert attempts_of(first) == [(1, None, "Our own error: KeyError.", "")]


class TestAFailedDelivery:
    @pytest.mark.parametrize("status", [301, 400, 404, 500, 503])
    def test_is_tried_ten_times_within_about_three_days_and_then_failed(self, status: int) -> None:
        with receiving(Scripted(status, text=b"")) as receiver:
            endpoint = make_endpoint(receiver.url)
            [delivery] = tell(endpoint)
            ahead = timedelta()
            for number, wait in enumerate(WAITS):
                with clock.moved_ahead(ahead + wait * 0.5):
                    assert (wait > timedelta()) == (sent() == 0)
                ahead += wait * JITTERED
                with clock.moved_ahead(ahead):
                    assert sent() == (1 if wait > timedelta() else 0)
                assert len(receiver.bodies) == number + 1
            with clock.moved_ahead(timedelta(days=30)):
                assert sent() == 0
        assert state(delivery) == ("failed", 10, 10)
        assert delivery.finished_at is not None
        assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
        assert len({headers["webhook-timestamp"] for headers in receiver.headers}) == 10
        assert [number for number, *_ in attempts_of(delivery)] == list(range(1, 11))
        assert off(endpoint) == ("enabled", "")

    def test_that_succeeds_later_clears_the_endpoints_record(self) -> None:
        with receiving(Scripted(500), Scripted(200)) as receiver:
            [delivery] = tell(make_endpoint(receiver.url))
            sent()
            assert WebhookEndpoint.objects.filter(failing_since__isnull=False).count() == 1
            with clock.moved_ahead(timedelta(seconds=6)):
                sent()
        assert WebhookEndpoint.objects.filter(failing_since=None).count() == 1
        assert state(delivery) == ("succeeded", 2, 2)

    def test_gives_the_rest_of_its_batch_back_as_it_was(self) -> None:
        with receiving(Scripted(500)) as receiver:
            first, second, third = tell(make_endpoint(receiver.url), 3)
            assert deliver_next()
        assert state(first) == ("pending", 1, 1)
        assert (state(second), state(third)) == (("pending", 0, 0), ("pending", 0, 0))
        assert len(receiver.bodies) == 1

    @pytest.mark.parametrize(("status", "header", "waits_s"), [(503, "600", 600), (429, "7200", 7200), (500, "1", 5)])
    def test_is_tried_again_no_earlier_than_the_receiver_asks(self, status: int, header: str, waits_s: int) -> None:
        with receiving(Scripted(status, headers={"Retry-After": header})) as receiver:
            [delivery] = tell(make_endpoint(receiver.url))
            before = database_now()
            sent()
        delivery.refresh_from_db()
        assert (
            before + timedelta(seconds=waits_s) <= delivery.next_attempt_at <= database_now() + timedelta(seconds=waits_s * 1.1)
        )


class TestASlowReceiver:
    def test_keeps_a_worker_with_what_is_being_posted_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "SLOW_MS", 100)
        with receiving(Scripted(after_s=0.2), Scripted()) as receiver:
            first, second = tell(make_endpoint(receiver.url), 2)
            assert deliver_next()
            assert (state(first), state(second)) == (("succeeded", 1, 1), ("pending", 0, 0))
            assert sent() == 1
        assert state(second) == ("succeeded", 1, 1)

    @pytest.mark.parametrize("status", [429, 502, 504])
    def test_that_is_overloaded_is_sent_nothing_for_a_while(self, status: int) -> None:
        with receiving(Scripted(status), Scripted(200)) as receiver:
            tell(make_endpoint(receiver.url), 2)
            sent()
            with clock.moved_ahead(timedelta(seconds=20)):
                assert sent() == 0
            with clock.moved_ahead(timedelta(seconds=31)):
                sent()
        assert len(receiver.bodies) == 3

    def test_is_sent_nothing_until_the_moment_that_it_names(self) -> None:
        with receiving(Scripted(503, headers={"Retry-After": "3600"}), Scripted(200)) as receiver:
            tell(make_endpoint(receiver.url), 2)
            sent()
            with clock.moved_ahead(timedelta(seconds=3500)):
                assert sent() == 0
            with clock.moved_ahead(timedelta(seconds=3610)):
                sent()
        assert len(receiver.bodies) == 3


class TestAnEndpoint:
    def test_that_is_gone_is_switched_off_and_sent_nothing_more(self) -> None:
        with receiving(Scripted(410, text=b"moved away")) as receiver:
            endpoint = make_endpoint(receiver.url)
            first, second = tell(endpoint, 2)
            assert sent() == 1
        assert off(endpoint) == ("disabled", "gone")
        assert (state(first), state(second)) == (("stopped", 1, 1), ("stopped", 0, 0))
        assert attempts_of(first) == [(1, 410, "", "moved away")]

    @pytest.mark.parametrize(
        "change", [{"status": "disabled", "disabled_at": "2026-01-01T00:00Z"}, {"deleted_at": "2026-01-01T00:00Z"}]
    )
    def test_that_is_off_is_sent_nothing_and_what_was_on_its_way_is_stopped(self, change: dict[str, str]) -> None:
        with receiving() as receiver:
            endpoint, other = make_endpoint(receiver.url), make_endpoint(receiver.url)
            [stranded], [fine] = tell(endpoint), tell(other)
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**change)
            assert sent() == 1
            assert stop_stranded(limit=10) == 1
            assert stop_stranded(limit=10) == 0
        assert (state(stranded), state(fine)) == (("stopped", 0, 0), ("succeeded", 1, 1))
        assert stranded.finished_at is not None

    def test_that_is_switched_off_while_a_batch_is_posted_gets_no_more_of_it(self) -> None:
        with receiving() as receiver:
            endpoint = make_endpoint(receiver.url)
            first, second = tell(endpoint, 2)
            batch = claim()
            assert batch is not None
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(deleted_at=clock.now())
            sending.deliver(batch)
            assert stop_stranded(limit=10) == 1
        assert len(receiver.bodies) == 1
        assert (state(first), state(second)) == (("succeeded", 1, 1), ("stopped", 0, 0))

    def test_that_fails_while_it_is_switched_off_has_nothing_pending(self) -> None:
        endpoint = make_endpoint("http://127.0.0.1:9/")
        [delivery] = tell(endpoint)
        batch = claim()
        assert batch is not None
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(deleted_at=clock.now())
        sending.deliver(batch)
        assert state(delivery)[0] == "stopped"


class TestALease:
    @pytest.fixture
    def receiver(self) -> Any:
        with receiving() as found:
            yield found

    def test_keeps_others_away_until_it_ends(self, receiver: Receiver) -> None:
        [delivery] = tell(make_endpoint(receiver.url))
        assert claim() is not None  # and then that worker dies
        with clock.moved_ahead(LEASE - timedelta(seconds=20)):
            assert sent() == 0
        with clock.moved_ahead(LEASE + timedelta(seconds=1)):
            assert sent() == 1
        assert state(delivery) == ("succeeded", 2, 1)
        assert [number for number, *_ in attempts_of(delivery)] == [2]

    def test_that_is_over_lets_its_holder_settle_nothing(self, receiver: Receiver) -> None:
        receiver.answers = [Scripted(500)]
        [delivery] = tell(make_endpoint(receiver.url))
        early = claim()
        assert early is not None
        with clock.moved_ahead(LEASE + timedelta(seconds=1)):
            late = claim()
            assert late is not None
            sending.deliver(early)
            delivery.refresh_from_db()
            assert (delivery.status, delivery.attempts, delivery.scheduled_attempts) == ("pending", 2, 0)
            assert delivery.leased_until is not None
            give_back(early.deliveries)
            delivery.refresh_from_db()
            assert (delivery.attempts, delivery.leased_until is None) == (2, False)
            receiver.answers = [Scripted(200)]
            sending.deliver(late)
        assert state(delivery) == ("succeeded", 2, 1)
        assert [(number, status) for number, status, *_ in attempts_of(delivery)] == [(1, 500), (2, 200)]

    def test_of_one_that_was_stopped_meanwhile_ends_in_success_where_it_arrived(self, receiver: Receiver) -> None:
        [delivery] = tell(make_endpoint(receiver.url))
        batch = claim()
        assert batch is not None
        Delivery.objects.filter(pk=delivery.pk).update(status="stopped")
        sending.deliver(batch)
        assert state(delivery)[0] == "succeeded"

    def test_of_one_that_was_sent_again_meanwhile_begins_the_schedule_anew(self, receiver: Receiver) -> None:
        receiver.answers = [Scripted(500)]
        [delivery] = tell(make_endpoint(receiver.url))
        Delivery.objects.filter(pk=delivery.pk).update(scheduled_attempts=9)
        batch = claim()
        assert batch is not None
        Delivery.objects.filter(pk=delivery.pk).update(scheduled_attempts=0)
        sending.deliver(batch)
        assert state(delivery) == ("pending", 1, 1)


class TestAClaim:
    def test_is_a_batch_of_one_endpoint_and_of_two_at_most_at_once(self) -> None:
        busy, quiet = make_endpoint("http://127.0.0.1:9/"), make_endpoint("http://127.0.0.1:9/")
        tell(busy, 25)
        tell(quiet, 1)
        claims = [claim() for _ in range(4)]
        taken = [(one.endpoint.pk, [each.sequence for each in one.deliveries]) for one in claims if one is not None]
        assert taken == [(busy.pk, list(range(1, 11))), (quiet.pk, [1]), (busy.pk, list(range(11, 21)))]

    def test_of_a_failing_endpoint_is_one_delivery_in_all(self) -> None:
        tell(make_endpoint("http://127.0.0.1:9/", failing_since=clock.now()), 5)
        batch = claim()
        assert batch is not None
        assert [one.sequence for one in batch.deliveries] == [1]
        assert claim() is None

    def test_prefers_an_endpoint_at_which_all_is_well_however_long_another_has_waited(self) -> None:
        failing, well = make_endpoint("http://127.0.0.1:9/", failing_since=clock.now()), make_endpoint("http://127.0.0.1:9/")
        tell(failing, 5)
        tell(well, 11)
        claims = [claim(), claim(failing_too=False), claim(failing_too=False), claim()]
        assert [one.endpoint.pk if one is not None else None for one in claims] == [well.pk, well.pk, None, failing.pk]

    def test_prefers_an_endpoint_at_which_nobody_is_busy(self) -> None:
        old, new = make_endpoint("http://127.0.0.1:9/"), make_endpoint("http://127.0.0.1:9/")
        tell(old, 20)
        tell(new, 1)
        chosen = [batch.endpoint.pk for batch in (claim(), claim()) if batch is not None]
        assert chosen == [old.pk, new.pk]

    def test_takes_nothing_of_another_environment(self, settings: Settings) -> None:
        tell(make_endpoint("http://127.0.0.1:9/"))
        settings.STRIPE_ENVIRONMENT = "test"
        assert claim() is None

    def test_lasts_longer_than_a_batch_can_take(self) -> None:
        longest_s = (deliveries.BATCH_SIZE - 1) * sending.SLOW_MS / 1000 + posting.TIMEOUT_S
        assert longest_s < LEASE.total_seconds() / 1.5
