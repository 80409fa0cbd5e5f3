"""The door at which Stripe's events arrive: what is let in, what is refused, and what is kept apart."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.tests.test_configuration import manage
from gateway.webhook_signatures import read_secrets
from stripe_events import receipt
from stripe_events.models import Status, StripeEvent
from stripe_events.tests.arrivals import DOOR, post, secret_for, send, stored, told_by_stripe, work
from transactions.models import Transaction

LEAKED = "whsec_of_somebody_else_0000"
SECOND = "whsec_the_next_one_000000000"


@pytest.fixture
def told(tenant: Tenant, seller: str) -> dict[str, Any]:
    """An event about a payment of the seller."""
    tenant.pay(seller)
    return told_by_stripe(seller, "payment_intent.succeeded")[0]


def now_s() -> int:
    return int(clock.now().timestamp())


class TestAnEventThatStripeSigned:
    def test_is_stored_before_it_is_answered_with_200(self, told: dict[str, Any]) -> None:
        answer = send(told)
        assert (answer.status_code, answer.content) == (200, b"")
        event = stored(told["id"])
        assert (event.type, event.account_id, event.livemode) == ("payment_intent.succeeded", told["account"], False)
        assert (event.object_id, event.source, event.api_version) == (told["data"]["object"]["id"], "webhook", stripe.api_version)
        assert event.happened_at.timestamp() == told["created"]

    def test_is_stored_once_however_often_it_comes(self, told: dict[str, Any]) -> None:
        assert [send(told).status_code for _ in range(3)] == [200, 200, 200]
        assert StripeEvent.objects.count() == 1

    def test_is_kept_without_the_client_secret(self, told: dict[str, Any]) -> None:
        secret = told["data"]["object"]["client_secret"]
        assert secret.startswith("pi_")
        send(told)
        assert secret not in json.dumps(stored(told["id"]).payload)

    def test_is_kept_without_the_addresses_that_hold_the_secret(self, told: dict[str, Any]) -> None:
        address = "https://hooks.stripe.com/redirect?payment_intent_client_secret=pi_1_secret_2"
        action = {"type": "redirect_to_url", "redirect_to_url": {"url": address, "return_url": None}}
        told["data"]["object"]["next_action"] = action
        send(told)
        assert "secret" not in json.dumps(stored(told["id"]).payload)

    def test_may_hold_letters_that_no_database_keeps(self, told: dict[str, Any]) -> None:
        told["data"]["object"]["description"] = "a\x00b\ud800c"
        assert send(told).status_code == 200
        assert stored(told["id"]).content["description"] == "a\N{REPLACEMENT CHARACTER}b?c"

    @pytest.mark.parametrize("age_s", [-270, 270])
    def test_may_be_some_minutes_old_or_early(self, told: dict[str, Any], age_s: int) -> None:
        assert send(told, at=now_s() - age_s).status_code == 200

    @pytest.mark.parametrize("secret", [LEAKED, SECOND])
    def test_may_be_signed_with_any_of_the_configured_secrets(self, told: dict[str, Any], secret: str, settings: Any) -> None:
        settings.STRIPE_CONNECT_WEBHOOK_SECRETS = f"{LEAKED},{SECOND}"
        assert send(told, secret=secret).status_code == 200

    def test_of_a_type_that_means_nothing_here_is_kept_as_such(self, tenant: Tenant, told: dict[str, Any]) -> None:
        content = told_by_stripe(told["account"], "charge.succeeded")[0]
        send(content)
        work()
        assert (stored(content["id"]).status, stored(content["id"]).note) == (
            Status.UNHANDLED,
            "Nothing here depends on events of this type.",
        )

    def test_is_not_answered_with_200_where_the_database_fails(
        self, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise OperationalError("the disk is full")

        monkeypatch.setattr(StripeEvent, "insert_once", fail)
        text = json.dumps(told)
        signature = stripe.WebhookSignature.generate_signature_header(text, secret_for(told), now_s())
        client = Client(raise_request_exception=False)
        answer = client.post(DOOR, text, content_type="application/json", headers={"Stripe-Signature": signature})
        assert answer.status_code == 500
        assert not StripeEvent.objects.exists()


class TestWhatStripeDidNotSign:
    def refused(self, answer: Any) -> None:
        assert answer.status_code == 400
        assert not StripeEvent.objects.exists()

    def test_is_refused_with_another_secret(self, told: dict[str, Any]) -> None:
        self.refused(send(told, secret=LEAKED))

    def test_is_refused_where_a_letter_was_changed(self, told: dict[str, Any]) -> None:
        text = json.dumps(told)
        signature = stripe.WebhookSignature.generate_signature_header(text, secret_for(told), now_s())
        self.refused(post(text.replace("succeeded", "succeedee", 1), signature))
        self.refused(post(text + " ", signature))

    @pytest.mark.parametrize("age_s", [301, -330, 86_400, -86_400])
    def test_is_refused_five_minutes_after_and_before_its_time(self, told: dict[str, Any], age_s: int) -> None:
        self.refused(send(told, at=now_s() - age_s))

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "t=,v1=",
            "t=abc,v1=abc",
            "v1=abc",
            "t=1",
            ",",
            "=",
            "t=99999999999999999999,v1=00",
            "t=1,t=2,v1=00",
            "\u00b2",
        ],
    )
    def test_is_refused_with_a_header_that_is_none(self, told: dict[str, Any], header: str) -> None:
        self.refused(post(json.dumps(told), header))

    def test_is_refused_with_letters_that_no_signature_has(self, told: dict[str, Any]) -> None:
        self.refused(post(json.dumps(told), f"t={now_s()},v1=\u00e9"))

    def test_is_refused_where_an_old_signature_is_given_a_second_and_younger_time(self, told: dict[str, Any]) -> None:
        text = json.dumps(told)
        old = stripe.WebhookSignature.generate_signature_header(text, secret_for(told), now_s() - 3600)
        for younger in (f"{old},t={now_s()}", f"t={now_s()},{old}", old.replace("t=", "t= ") + f",t={now_s()}"):
            self.refused(post(text, younger))

    @pytest.mark.parametrize(
        "body", ["", "[]", "null", '"event"', "{", '{"object": "v2.core.event"}', '{"object": "event", "id": 7}', "[" * 100_000]
    )
    def test_or_is_no_event_although_it_is_signed_is_refused(self, told: dict[str, Any], body: str) -> None:
        self.refused(send(told, body=body))

    @pytest.mark.parametrize(
        "changes",
        [
            {"id": "evt_" + "x" * 252},
            {"type": "x" * 256},
            {"account": "acct_" + "x" * 251},
            {"api_version": "x" * 256},
            {"created": 10**20},
            {"created": -1},
            {"created": True},
            {"data": {"object": {"amount": float("nan")}}},
            {"data": {"object": {"amount": float("inf")}}},
        ],
        ids=str,
    )
    def test_or_could_never_be_stored_is_refused(self, told: dict[str, Any], changes: dict[str, Any]) -> None:
        self.refused(send({**told, **changes}))

    def test_or_is_too_deep_to_be_read_is_refused(self, told: dict[str, Any]) -> None:
        deep = '{"a":' * 900 + "1" + "}" * 900
        self.refused(send(told, body=json.dumps(told)[:-1] + f', "deep": {deep}}}'))

    def test_is_refused_as_bytes_that_are_no_text(self, told: dict[str, Any]) -> None:
        self.refused(post(b"\xff\xfe", f"t={now_s()},v1=00"))

    def test_and_is_too_large_is_refused_without_a_stack_trace(
        self, db: None, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer = post(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), f"t={now_s()},v1=00")
        assert (answer.status_code, answer.content) == (413, b"The body is too large.\n")
        assert {(record.levelname, record.exc_info) for record in caplog.records} == {("INFO", None), ("WARNING", None)}

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head"])
    def test_is_taken_by_post_alone(self, db: None, method: str) -> None:
        assert getattr(Client(), method)(DOOR).status_code == 405

    @pytest.mark.parametrize("secrets", ["", " ", "whsec_", "whsec_short", f"{LEAKED},", ",", "sk_test_0123456789abcdef"])
    def test_cannot_get_in_by_a_blank_secret_which_no_setting_takes(self, secrets: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="whsec_…, none blank") as refused:
            read_secrets("STRIPE_WEBHOOK_SECRETS", secrets)
        assert LEAKED not in str(refused.value)

    @pytest.mark.parametrize("name", ["STRIPE_WEBHOOK_SECRETS", "STRIPE_CONNECT_WEBHOOK_SECRETS"])
    def test_cannot_get_in_by_a_blank_secret_which_keeps_the_service_from_starting(self, tmp_path: Path, name: str) -> None:
        done = manage(tmp_path, "check", **{name: " "})
        assert done.returncode == 1
        assert f"{name} is a comma-separated list of secrets as Stripe gives them: whsec_…, none blank." in done.stderr


class TestAnEventOfAStranger:
    def test_of_another_mode_is_quarantined(self, told: dict[str, Any]) -> None:
        send({**told, "livemode": True})
        work()
        event = stored(told["id"])
        assert (event.status, event.note) == (Status.QUARANTINED, "livemode is true, and this is the environment sandbox.")

    def test_of_an_unknown_account_is_quarantined(self, told: dict[str, Any]) -> None:
        send({**told, "account": "acct_unknown"})
        work()
        event = stored(told["id"])
        assert (event.status, event.note) == (Status.QUARANTINED, "The account is not known here.")
        assert Transaction.objects.count() == 1

    def test_is_not_confused_with_the_event_of_the_same_id_of_our_own(self, told: dict[str, Any]) -> None:
        send({**told, "account": "acct_unknown"})
        send({**told, "livemode": True})
        send(told)
        assert StripeEvent.objects.filter(event_id=told["id"]).count() == 3

    def test_by_the_wrong_endpoint_is_quarantined(self, told: dict[str, Any], settings: Any) -> None:
        send(told, secret=settings.STRIPE_WEBHOOK_SECRETS)
        event = stored(told["id"])
        assert (event.status, event.note) == (
            Status.QUARANTINED,
            "The platform's own endpoint sent an event of a connected account.",
        )
        platforms = {**told, "id": "evt_2"}
        del platforms["account"]
        send(platforms, secret=settings.STRIPE_CONNECT_WEBHOOK_SECRETS)
        assert stored("evt_2").note == "The endpoint for connected accounts sent an event of no account."

    def test_by_the_wrong_endpoint_is_applied_once_it_comes_by_the_right_one(self, told: dict[str, Any], settings: Any) -> None:
        send(told, secret=settings.STRIPE_WEBHOOK_SECRETS)
        assert stored(told["id"]).status == Status.QUARANTINED
        assert send(told).status_code == 200
        work()
        assert stored(told["id"]).status == Status.APPLIED

    def test_is_not_suspected_where_both_endpoints_share_a_secret(self, told: dict[str, Any], settings: Any) -> None:
        settings.STRIPE_WEBHOOK_SECRETS = settings.STRIPE_CONNECT_WEBHOOK_SECRETS
        send(told)
        platforms = {**told, "id": "evt_2", "type": "payment_method.attached"}
        del platforms["account"]
        send(platforms)
        work()
        assert {stored(told["id"]).status, stored("evt_2").status} == {Status.APPLIED}

    def test_that_comes_again_as_strange_as_before_stays_quarantined(self, told: dict[str, Any]) -> None:
        for _ in range(2):
            send({**told, "livemode": True})
        assert stored(told["id"]).status == Status.QUARANTINED


class TestTheTimeOfASignature:
    def test_is_judged_by_our_clock(self, told: dict[str, Any]) -> None:
        with clock.moved_ahead(timedelta(hours=1)):
            assert send(told).status_code == 200
        assert send({**told, "id": "evt_late"}, at=now_s() + 3600).status_code == 400
        assert receipt.reason_to_quarantine(told) == ""
