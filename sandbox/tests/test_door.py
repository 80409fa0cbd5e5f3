"""The door at `/v1/…`, for every program that speaks to Stripe."""

import base64
import json
import shutil
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import stripe
from django.test import Client
from pytest_django import Settings

from sandbox.models import SandboxObject

KEY = {"Authorization": "Bearer sk_test_x"}
FORM = "application/x-www-form-urlencoded"
HAS_CURL = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


@pytest.fixture
def door(db: None) -> Client:
    return Client(headers=KEY, raise_request_exception=False, enforce_csrf_checks=True)


def post(door: Client, path: str, form: str = "", *, content_type: str = FORM, **headers: str) -> Any:
    return door.post(path, form, content_type=content_type, headers=headers)


def assert_stripe_error(response: Any, status: int, message: str, type: str = "invalid_request_error") -> None:
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response["Request-Id"].startswith("req_")
    error = response.json()["error"]
    assert (error["type"], message in error["message"]) == (type, True)


class TestTheDoor:
    @pytest.mark.parametrize("address", ["http://[/", "http://a\u2100b/"], ids=["brackets", "letters"])
    def test_refuses_an_address_that_is_none(self, door: Client, address: str) -> None:
        refused = post(door, "/v1/webhook_endpoints", urlencode({"url": address, "enabled_events[]": "*"}))
        assert_stripe_error(refused, 400, "Not a valid URL")
        assert not SandboxObject.objects.exists()

    def test_answers_a_line_break_in_its_address_in_stripes_shape(self, door: Client) -> None:
        assert_stripe_error(door.get("/v1/payment_intents%0a"), 404, "Unrecognized request URL")

    def test_answers_as_the_sandbox_does_in_process(self, door: Client, v1: Any) -> None:
        made = post(door, "/v1/customers", "name=Ada&metadata[order]=7&expand[0]=default_source")
        assert made.status_code == 200
        again = door.get(f"/v1/customers/{made.json()['id']}?expand[]=default_source")
        assert again.json() == made.json()
        assert v1.customers.retrieve(made.json()["id"]).to_dict() == made.json()
        assert made.json()["metadata"] == {"order": "7"}
        assert door.delete(f"/v1/customers/{made.json()['id']}").json()["deleted"] is True

    def test_reads_parameters_of_the_address_and_of_the_body(self, door: Client) -> None:
        made = post(door, "/v1/customers?name=Ada", "email=ada@example.com").json()
        assert (made["name"], made["email"]) == ("Ada", "ada@example.com")

    def test_says_what_it_is_and_is_kept_by_nobody(self, door: Client) -> None:
        answer = post(door, "/v1/customers")
        assert answer["Cache-Control"] == "no-cache, no-store"
        assert answer["Sandbox"] == "this is no real Stripe"
        assert answer["Stripe-Version"] == stripe.api_version
        assert answer["Request-Id"].startswith("req_")
        assert "Set-Cookie" not in answer
        assert answer.content.decode() == json.dumps(answer.json(), indent=2)

    def test_keeps_idempotency_keys_and_accounts_apart(self, door: Client, at_seller: dict[str, str]) -> None:
        account = at_seller["stripe_account"]
        here = [post(door, "/v1/customers", **{"Idempotency-Key": "key-1"}) for _ in range(2)]
        there = post(door, "/v1/customers", **{"Idempotency-Key": "key-1", "Stripe-Account": account})
        assert here[0].content == here[1].content
        assert ("Idempotent-Replayed" in here[0], here[1]["Idempotent-Replayed"]) == (False, "true")
        assert (here[0]["Idempotency-Key"], there["Stripe-Account"]) == ("key-1", account)
        assert there.json()["id"] != here[0].json()["id"]

    def test_answers_a_decline(self, door: Client, at_seller: dict[str, str]) -> None:
        form = (
            "amount=1000&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined"
            "&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"
        )
        answer = post(door, "/v1/payment_intents", form, **{"Stripe-Account": at_seller["stripe_account"]})
        assert answer.status_code == 402
        error = answer.json()["error"]
        assert (error["type"], error["code"], error["decline_code"]) == ("card_error", "card_declined", "generic_decline")

    @pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/customers/", "/oauth/nothing"])
    def test_answers_404_to_an_address_that_stripe_does_not_have(self, door: Client, path: str) -> None:
        assert_stripe_error(door.get(path), 404, f"Unrecognized request URL (GET: {path})")

    def test_answers_404_to_a_method_that_stripe_does_not_have(self, door: Client) -> None:
        assert_stripe_error(door.put("/v1/customers"), 404, "Unrecognized request URL (PUT: /v1/customers)")

    def test_is_shut_where_stripe_itself_is_used(self, settings: Settings) -> None:
        code = (
            "import django; django.setup()\n"
            "from django.conf import settings; from django.test import Client\n"
            "asked = [Client().get(path) for path in ('/v1/customers', '/oauth/token', '/sandbox/api/clock')]\n"
            "print('sandbox.transport.middleware.order_faults' in settings.MIDDLEWARE, [answer.status_code for answer in asked])"
        )
        environment = {
            "DJANGO_SETTINGS_MODULE": "commercecore_payments.settings",
            "STRIPE_SECRET_KEY": "sk_test_x",
            "STRIPE_PUBLISHABLE_KEY": "pk_test_x",
            "ALLOWED_HOSTS": "testserver",
            "COMMERCECORE_STATE_DIR": str(settings.STATE_DIR),
            "DATABASE_URL": settings.DATABASE_URL,
        }
        assert python(code, environment).strip() == "False [404, 404, 404]"


def python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestAKeyAtTheDoor:
    @pytest.mark.parametrize("scheme", ["Basic", "basic"])
    def test_may_be_the_user_of_a_basic_authorization(self, db: None, scheme: str) -> None:
        sent = base64.b64encode(b"sk_test_any:").decode()
        assert Client().get("/v1/customers", headers={"Authorization": f"{scheme} {sent}"}).status_code == 200

    @pytest.mark.parametrize("key", ["sk_test_x", "sk_test_51PwVFgRoSQz2jDze"])
    def test_may_be_any_test_key(self, db: None, key: str) -> None:
        assert Client().get("/v1/customers", headers={"Authorization": f"Bearer {key}"}).status_code == 200

    @pytest.mark.parametrize("key", ["sk_live_51PwVFgRoSQz2jDze", "rk_live_51PwVFgRoSQz2jDze", "pk_test_51PwVFgRoSQz2jDze"])
    def test_that_is_another_one_is_refused_and_not_repeated(self, db: None, key: str) -> None:
        answer = Client().post("/v1/customers", "", content_type=FORM, headers={"Authorization": f"Bearer {key}"})
        assert_stripe_error(answer, 401, "Invalid API Key provided")
        assert key not in answer.content.decode()
        assert SandboxObject.objects.count() == 0

    @pytest.mark.parametrize("authorization", ["", "Bearer", "Basic ?", "Basic /w==", "Digest sk_test_x"])
    def test_that_is_missing_is_asked_for(self, db: None, authorization: str) -> None:
        answer = Client().get("/v1/customers", headers={"Authorization": authorization})
        assert_stripe_error(answer, 401, "You did not provide an API key.")


class TestABodyAtTheDoor:
    def test_may_have_64_kb_and_no_more(self, door: Client) -> None:
        assert_stripe_error(post(door, "/v1/customers", "x=" + "y" * 65_534), 400, "Received unknown parameter: x")
        assert_stripe_error(post(door, "/v1/customers", "x=" + "y" * 65_535), 413, "larger than 65536 bytes")

    def test_must_be_a_form(self, door: Client) -> None:
        answer = post(door, "/v1/customers", '{"name": "Ada"}', content_type="application/json")
        assert_stripe_error(answer, 400, "check that your POST content type is application/x-www-form-urlencoded")
        assert SandboxObject.objects.count() == 0

    def test_must_be_text(self, door: Client) -> None:
        answer = door.post("/v1/customers", b"name=\xff", content_type=FORM)
        assert_stripe_error(answer, 400, "no UTF-8")

    def test_must_not_come_in_chunks(self, door: Client) -> None:
        answer = post(door, "/v1/customers", **{"Transfer-Encoding": "chunked"})
        assert_stripe_error(answer, 411, "not in chunks")


class TestAFailureAtTheDoor:
    def test_says_nothing_of_the_inside_and_may_be_sent_again(
        self, door: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: Any) -> None:
            raise ZeroDivisionError("the inside")

        with monkeypatch.context() as patch:
            patch.setattr("sandbox.api.server.expand", fail)
            failed = post(door, "/v1/customers", **{"Idempotency-Key": "key-1"})
        assert_stripe_error(failed, 500, "An unknown error occurred", type="api_error")
        assert "inside" not in failed.content.decode()
        assert "ZeroDivisionError: the inside" in caplog.text
        assert "sk_test_x" not in caplog.text
        assert SandboxObject.objects.count() == 0
        assert post(door, "/v1/customers", **{"Idempotency-Key": "key-1"}).status_code == 200

    def test_of_the_address_has_stripes_shape(self, door: Client) -> None:
        assert_stripe_error(door.get("/v1/customers?limit=%00"), 400, "Invalid request.")
        assert_stripe_error(door.get("/v1/customers", headers={"Host": "elsewhere.example"}), 400, "Invalid request.")

    @pytest.mark.parametrize("kind", ["refuse_connection", "time_out_before", "time_out_after", "drop_answer"])
    def test_that_was_ordered_is_told_where_there_is_no_connection_to_close(self, door: Client, kind: str) -> None:
        answer = post(door, "/v1/customers", **{"Sandbox-Fault": kind})
        assert_stripe_error(answer, 504, f"The fault {kind} was ordered", type="api_error")
        assert SandboxObject.objects.filter(object_type="customer").count() == (kind in ("time_out_after", "drop_answer"))


class TestARunningService:
    @HAS_CURL
    def test_answers_curl_as_stripes_own_documentation_calls_it(self, served: str) -> None:
        command = ["curl", "-sS", f"{served}/v1/customers", "-u", "sk_test_x:", "-d", "name=Ada", "-d", "metadata[order]=7"]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)
        assert (told["object"], told["name"], told["metadata"]) == ("customer", "Ada", {"order": "7"})

    def test_serves_on_after_every_kind_of_lost_answer(self, served: str) -> None:
        for kind in ("refuse_connection", "drop_answer", "time_out_after; delay_s=0.01"):
            with pytest.raises(requests.ConnectionError):
                requests.post(f"{served}/v1/customers", headers={**KEY, "Sandbox-Fault": kind}, timeout=60)
        assert requests.get(f"{served}/v1/customers", headers=KEY, timeout=60).status_code == 200

    def test_refuses_chunks(self, served: str) -> None:
        answer = requests.post(
            f"{served}/v1/customers", data=iter([b"name=Ada"]), headers={**KEY, "Content-Type": FORM}, timeout=60
        )
        assert answer.status_code == 411
