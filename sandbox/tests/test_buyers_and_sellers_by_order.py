"""The control API in the place of people: a seller completes the onboarding, a buyer answers a challenge."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sandbox.models import SandboxObject
from sandbox.tests.conftest import Options
from sandbox.timeline import due

FORM = "application/x-www-form-urlencoded"
CHALLENGED = "pm_card_threeDSecure2Required"


@pytest.fixture
def control(db: None) -> Client:
    """A program with a test key."""
    return Client(headers={"Authorization": "Bearer sk_test_x"}, enforce_csrf_checks=True)


class TestAnOnboardingByOrder:
    def test_makes_the_account_able_to_charge(self, v1: Any, control: Client, new_account: Callable[[], str]) -> None:
        account = new_account()
        answered = control.post(f"/sandbox/api/accounts/{account}/onboarding", "", content_type=FORM)
        assert (answered.status_code, answered.json()) == (200, v1.accounts.retrieve(account).to_dict())
        assert (answered.json()["charges_enabled"], answered.json()["payouts_enabled"]) == (True, True)

    def test_takes_what_the_form_takes(self, control: Client, new_account: Callable[[], str]) -> None:
        sent = {"account_number": "000111111116", "business_name": "Boots", "website": "https://boots.example"}
        told = control.post(f"/sandbox/api/accounts/{new_account()}/onboarding", sent, content_type="application/json").json()
        assert (told["business_profile"]["name"], told["business_profile"]["url"]) == ("Boots", "https://boots.example")
        assert told["external_accounts"]["data"][0]["last4"] == "1116"

    @pytest.mark.parametrize(
        ("sent", "param"), [({"shoe_size": "9"}, "shoe_size"), ({"business_name": "x" * 101}, "business_name")]
    )
    def test_of_something_else_is_refused(
        self, v1: Any, control: Client, new_account: Callable[[], str], sent: dict[str, str], param: str
    ) -> None:
        account = new_account()
        refused = control.post(f"/sandbox/api/accounts/{account}/onboarding", sent, content_type="application/json")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
        assert v1.accounts.retrieve(account).details_submitted is False

    def test_of_an_unknown_account_is_a_404(self, control: Client) -> None:
        refused = control.post("/sandbox/api/accounts/acct_unknown/onboarding", "", content_type=FORM)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "resource_missing")

    def test_needs_a_test_key(self, v1: Any, new_account: Callable[[], str]) -> None:
        account = new_account()
        assert Client().post(f"/sandbox/api/accounts/{account}/onboarding").status_code == 401
        assert v1.accounts.retrieve(account).details_submitted is False


class TestAChallengeByOrder:
    @pytest.fixture
    def challenged(self, pay: Callable[..., Any]) -> str:
        """A payment that waits for its buyer."""
        return str(pay(CHALLENGED).id)

    @pytest.mark.parametrize(
        ("outcome", "status", "charges"), [("complete", "succeeded", 1), ("fail", "requires_payment_method", 0)]
    )
    def test_is_answered_as_on_its_page(
        self, v1: Any, control: Client, at_seller: Options, challenged: str, outcome: str, status: str, charges: int
    ) -> None:
        answered = control.post(f"/sandbox/api/challenges/{challenged}", {"outcome": outcome}, content_type="application/json")
        intent = v1.payment_intents.retrieve(challenged, None, at_seller)
        assert (answered.status_code, answered.json()) == (200, intent.to_dict())
        assert intent.status == status
        assert len(v1.charges.list({"payment_intent": challenged}, at_seller).data) == charges

    def test_of_a_setup_is_answered_too(self, v1: Any, control: Client, at_seller: Options) -> None:
        setup = {"payment_method": CHALLENGED, "confirm": True, "return_url": "https://shop.example"}
        intent = v1.setup_intents.create(setup, at_seller)
        answered = control.post(f"/sandbox/api/challenges/{intent.id}", {"outcome": "complete"}, content_type="application/json")
        assert (answered.status_code, answered.json()["status"]) == (200, "succeeded")

    def test_is_answered_once(self, v1: Any, control: Client, at_seller: Options, challenged: str) -> None:
        address, complete = f"/sandbox/api/challenges/{challenged}", {"outcome": "complete"}
        assert control.post(address, complete, content_type="application/json").status_code == 200
        due.carry_out_due()
        before = list(SandboxObject.objects.order_by("pk").values_list("pk", "data"))
        refused = control.post(address, {"outcome": "fail"}, content_type="application/json")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "resource_missing")
        assert list(SandboxObject.objects.order_by("pk").values_list("pk", "data")) == before

    @pytest.mark.parametrize(("sent", "param"), [({}, "outcome"), ({"outcome": "maybe"}, "outcome")])
    def test_needs_one_of_two_outcomes(
        self, v1: Any, control: Client, at_seller: Options, challenged: str, sent: dict[str, str], param: str
    ) -> None:
        refused = control.post(f"/sandbox/api/challenges/{challenged}", sent, content_type="application/json")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
        assert v1.payment_intents.retrieve(challenged, None, at_seller).status == "requires_action"

    def test_that_nobody_asked_for_is_a_404(self, control: Client, new_payment: Callable[..., Any]) -> None:
        for intent in ("pi_unknown", new_payment().id):
            refused = control.post(f"/sandbox/api/challenges/{intent}", {"outcome": "complete"}, content_type="application/json")
            assert refused.status_code == 404
