"""The control API in the place of people: a seller completes the onboarding, a buyer answers a challenge."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sandbox.models import SandboxObject
from sandbox.pages.forms import OnboardingForm
from sandbox.tests.conftest import Options
from sandbox.timeline import due

FORM = "application/x-www-form-urlencoded"
# What a platform may say of an account before its onboarding.
SAID: dict[str, Any] = {
    "business_type": "company",
    "business_profile": {
        "mcc": "5999",
        "name": "Boots",
        "product_description": "Boots and shoes",
        "url": "https://boots.example",
    },
}
CHALLENGED = "pm_card_threeDSecure2Required"


class TestAnOnboardingByOrder:
    def test_makes_the_account_able_to_charge(self, v1: Any, control: Client, new_account: Callable[[], str]) -> None:
        account = new_account()
        answered = control.post(f"/sandbox/api/accounts/{account}/onboarding", "", content_type=FORM)
        assert (answered.status_code, answered.json()) == (200, v1.accounts.retrieve(account).to_dict())
        assert (answered.json()["charges_enabled"], answered.json()["payouts_enabled"]) == (True, True)

    def test_takes_what_the_form_takes(self, control: Client, new_account: Callable[[], str]) -> None:
        sent = {
            "account_number": "000111111116",
            "business_name": "Boots",
            "business_type": "non_profit",
            "first_name": "Ada",
            "last_name": "Byron",
            "product_description": "Boots and shoes",
            "routing_number": "110000012",
            "website": "https://boots.example",
        }
        assert set(sent) == set(OnboardingForm.base_fields)
        told = control.post(f"/sandbox/api/accounts/{new_account()}/onboarding", sent, content_type="application/json").json()
        assert told["business_type"] == "non_profit"
        assert told["business_profile"] | SAID["business_profile"] | {"mcc": "5734"} == told["business_profile"]
        [bank] = told["external_accounts"]["data"]
        assert (bank["last4"], bank["routing_number"]) == ("1116", "110000012")
        assert (bank["account_holder_name"], bank["account_holder_type"]) == ("Ada Byron", "individual")

    def test_leaves_what_the_account_said_already(self, v1: Any, control: Client, new_account: Callable[[], str]) -> None:
        account = new_account()
        v1.accounts.update(account, SAID)
        told = control.post(f"/sandbox/api/accounts/{account}/onboarding", "", content_type=FORM).json()
        assert told["charges_enabled"] is True
        assert told["business_type"] == "company"
        assert told["business_profile"] | SAID["business_profile"] == told["business_profile"]
        assert told["external_accounts"]["data"][0]["account_holder_type"] == "company"

    def test_changes_what_is_sent_alone(self, v1: Any, control: Client, new_account: Callable[[], str]) -> None:
        account = new_account()
        v1.accounts.update(account, SAID)
        sent = {"business_type": "individual", "business_name": "Shoes"}
        told = control.post(f"/sandbox/api/accounts/{account}/onboarding", sent, content_type="application/json").json()
        expected = SAID["business_profile"] | {"name": "Shoes"}
        assert (told["business_type"], told["business_profile"] | expected) == ("individual", told["business_profile"])

    def test_leaves_the_bank_account_that_is_there(self, v1: Any, control: Client, new_account: Callable[[], str]) -> None:
        address = f"/sandbox/api/accounts/{new_account()}/onboarding"
        first = control.post(address, {"account_number": "000999991234"}, content_type="application/json").json()
        again = control.post(address, {"business_name": "Boots"}, content_type="application/json").json()
        assert again["external_accounts"] == first["external_accounts"]
        assert again["business_profile"]["name"] == "Boots"

    def test_resolves_what_failed_its_verification(self, v1: Any, control: Client, new_account: Callable[[], str]) -> None:
        account = new_account()
        address = f"/sandbox/api/accounts/{account}/onboarding"
        v1.accounts.update(account, SAID | {"business_profile": {"name": "Boots", "url": "https://disallowed.stripe.com"}})
        failed = control.post(address, "", content_type=FORM).json()
        assert (failed["charges_enabled"], failed["requirements"]["past_due"]) == (False, ["business_profile.url"])
        again = control.post(address, "", content_type=FORM).json()
        assert (again["charges_enabled"], again["requirements"]["past_due"]) == (True, [])
        assert (again["business_profile"]["name"], again["business_profile"]["url"]) == ("Boots", "https://accessible.stripe.com")

    @pytest.mark.parametrize(
        ("sent", "param"),
        [
            ({"shoe_size": "9"}, "shoe_size"),
            ({"account_number": "123"}, "account_number"),
            ({"account_number": "1" * 18}, "account_number"),
            ({"account_number": "0001x3456789"}, "account_number"),
            ({"account_number": ""}, "account_number"),
            ({"business_name": "x" * 101}, "business_name"),
            ({"business_name": ""}, "business_name"),
            ({"business_type": "LLC"}, "business_type"),
            ({"first_name": "x" * 101}, "first_name"),
            ({"last_name": "x" * 101}, "last_name"),
            ({"product_description": "x" * 501}, "product_description"),
            ({"routing_number": "12345"}, "routing_number"),
            ({"website": "no address"}, "website"),
            ({"website": {"is": "https://boots.example"}}, "website"),
        ],
    )
    def test_of_something_else_is_refused(
        self, v1: Any, control: Client, new_account: Callable[[], str], sent: dict[str, str], param: str
    ) -> None:
        account = new_account()
        before = list(SandboxObject.objects.values_list("pk", "data", "hidden"))
        refused = control.post(f"/sandbox/api/accounts/{account}/onboarding", sent, content_type="application/json")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
        assert list(SandboxObject.objects.values_list("pk", "data", "hidden")) == before
        assert v1.accounts.retrieve(account).details_submitted is False

    @pytest.mark.parametrize(
        ("sent", "text"),
        [
            ({"account_number": "123"}, "Invalid account_number: Enter a valid value."),
            (
                {"business_type": "LLC"},
                "Invalid business_type: Must be one of individual, company, non_profit, government_entity.",
            ),
            ({"last_name": "x" * 101}, "Invalid last_name: Ensure this value has at most 100 characters (it has 101)."),
            ({"website": "no address"}, "Invalid website: Enter a valid URL."),
        ],
    )
    def test_that_the_form_refuses_is_refused_in_its_words(
        self, control: Client, new_account: Callable[[], str], sent: dict[str, str], text: str
    ) -> None:
        refused = control.post(f"/sandbox/api/accounts/{new_account()}/onboarding", sent, content_type="application/json")
        [param] = sent
        error = {"message": text, "param": param, "type": "invalid_request_error"}
        assert (refused.status_code, refused.json()["error"]) == (400, error)

    def test_with_another_routing_number_needs_the_account_number(self, v1: Any, control: Client, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        before = v1.accounts.retrieve(seller).to_dict()
        refused = control.post(f"/sandbox/api/accounts/{seller}/onboarding", "routing_number=110000012", content_type=FORM)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "account_number")
        assert v1.accounts.retrieve(seller).to_dict() == before

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
