"""The control API's part about connected accounts: what it takes, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sandbox.connect import decisions
from sandbox.models import SandboxObject, SandboxTask
from sandbox.timeline import clock

Make = Callable[..., Any]
Options = dict[str, str]


@pytest.fixture
def order(control: Client) -> Callable[..., Any]:
    """Orders a state of an account through the control API."""

    def send(account: str, state: str, **more: Any) -> Any:
        body = {"state": state, **more}
        return control.post(f"/sandbox/api/accounts/{account}", body, content_type="application/json")

    return send


class TestAnOrder:
    @pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
    def test_answers_the_account_in_its_new_state(self, v1: Any, control: Client, at_seller: Options, content_type: str) -> None:
        seller = at_seller["stripe_account"]
        body = {
            "application/json": '{"state": "due_soon", "deadline_s": 3600}',
            "application/x-www-form-urlencoded": "state=due_soon&deadline_s=3600",
        }[content_type]
        answered = control.post(f"/sandbox/api/accounts/{seller}", body, content_type=content_type)
        assert (answered.status_code, answered.json()) == (200, v1.accounts.retrieve(seller).to_dict())
        assert 3540 <= answered.json()["requirements"]["current_deadline"] - clock.now_seconds() <= 3600

    def test_replaces_the_one_before(self, v1: Any, at_seller: Options, order: Make) -> None:
        for state, reason in (("rejected.fraud", "rejected.fraud"), ("requirements.past_due", "requirements.past_due")):
            assert order(at_seller["stripe_account"], state).json()["requirements"]["disabled_reason"] == reason
        assert order(at_seller["stripe_account"], "active").json()["charges_enabled"] is True


class TestAnIllegalOrder:
    @pytest.fixture
    def moved(self) -> Callable[[], Any]:
        """What there is of objects, events among them, and of tasks."""
        return lambda: (list(SandboxObject.objects.values_list("pk", "data", "hidden")), SandboxTask.objects.count())

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"state": "rejected.platform_fraud"}, "state"),
            ({"state": "sleepy"}, "state"),
            ({"state": ""}, "state"),
            ({"state": "active", "deadline_s": 60}, "deadline_s"),
            ({"state": "due_soon", "deadline_s": 0}, "deadline_s"),
            ({"state": "due_soon", "deadline_s": "soon"}, "deadline_s"),
            ({"state": "due_soon", "reason": "x"}, "reason"),
        ],
    )
    def test_changes_nothing(self, at_seller: Options, order: Make, moved: Make, body: dict[str, Any], param: str) -> None:
        before = moved()
        refused = order(at_seller["stripe_account"], **body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
        assert moved() == before

    @pytest.mark.parametrize("state", decisions.STATES)
    def test_is_any_before_the_onboarding(self, new_account: Callable[[], str], order: Make, moved: Make, state: str) -> None:
        account = new_account()
        before = moved()
        refused = order(account, state)
        assert (refused.status_code, refused.json()["error"]) == (
            400,
            {
                "message": "This account has not completed its onboarding: do that first, at its page below "
                f"/sandbox/accounts or by POST /sandbox/api/accounts/{account}/onboarding.",
                "param": "state",
                "type": "invalid_request_error",
            },
        )
        assert moved() == before

    def test_is_any_without_capabilities(self, v1: Any, at_seller: Options, order: Make, moved: Make) -> None:
        none = {name: {"requested": False} for name in ("card_payments", "transfers")}
        v1.accounts.update(at_seller["stripe_account"], {"capabilities": none})
        before = moved()
        refused = order(at_seller["stripe_account"], "active")
        assert (refused.status_code, refused.json()["error"]) == (
            400,
            {
                "message": "This account has no capabilities: the platform has to request some first.",
                "param": "state",
                "type": "invalid_request_error",
            },
        )
        assert moved() == before

    def test_names_no_account_of_the_platforms(self, v1: Any, new_seller: Callable[[], str], order: Make, moved: Make) -> None:
        deleted = new_seller()
        v1.accounts.delete(deleted)
        before = moved()
        for account in ("acct_unknown", deleted):
            refused = order(account, "active")
            assert (refused.status_code, refused.json()["error"]["code"]) == (404, "resource_missing")
            assert refused.json()["error"]["message"] == f"No such account: '{account}'"
        assert moved() == before

    def test_needs_a_test_key(self, at_seller: Options, moved: Make) -> None:
        before = moved()
        refused = Client().post(f"/sandbox/api/accounts/{at_seller['stripe_account']}", {"state": "under_review"})
        assert (refused.status_code, refused.json()["error"]["message"][:30]) == (401, "You did not provide an API key")
        assert moved() == before
