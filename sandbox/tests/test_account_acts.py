"""The staff's part of a connected account's page: its standing, and what Stripe's reviewers would decide."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sandbox.connect import deauthorization, decisions
from sandbox.models import SandboxObject
from sandbox.pages.account_acts import NAMES
from sandbox.tests.page_forms import filled, text

Options = dict[str, str]


def offered(page: Any) -> list[str]:
    """The states that a page offers."""
    return re.findall(r'<option value="([\w.]+)"', text(page))


class TestThePageOfAnAccount:
    def test_offers_every_state_and_brings_the_account_there(
        self, staff_browser: Client, v1: Any, new_seller: Callable[[], str]
    ) -> None:
        account = new_seller()
        address = f"/sandbox/objects/{account}"
        page = staff_browser.get(address)
        assert offered(page) == list(decisions.STATES)
        assert f"Something due in {decisions.DEADLINE_S // 86_400} days (due_soon)" in text(page)
        order = filled(page) | {"state": "under_review"}
        done = staff_browser.post(f"/sandbox/accounts/{account}/state", order)
        assert (done.status_code, done["Location"]) == (302, address)
        assert v1.accounts.retrieve(account).requirements.disabled_reason == "under_review"
        html = text(staff_browser.get(address))
        assert "<code>under_review</code>" in html
        assert '<option value="under_review" selected>' in html
        assert "disabled</span>" in text(staff_browser.get("/sandbox/accounts"))

    def test_offers_nothing_before_the_onboarding(self, staff_browser: Client, new_account: Callable[[], str]) -> None:
        page = staff_browser.get(f"/sandbox/objects/{new_account()}")
        assert "<code>requirements.past_due</code>" in text(page)
        assert offered(page) == []

    def test_says_nothing_of_one_that_is_gone(self, staff_browser: Client, v1: Any, new_seller: Callable[[], str]) -> None:
        left, deleted = new_seller(), new_seller()
        deauthorization.deauthorize(left)
        v1.accounts.delete(deleted)
        for account in (left, deleted):
            assert "<h2>Standing</h2>" not in text(staff_browser.get(f"/sandbox/objects/{account}"))

    def test_is_the_staffs_alone_and_needs_its_forms_token(self, staff_browser: Client, new_seller: Callable[[], str]) -> None:
        account = new_seller()
        address = f"/sandbox/accounts/{account}/state"
        assert staff_browser.post(address, {"state": "under_review"}).status_code == 403
        assert staff_browser.get(address).status_code == 405
        stranger = Client().post(address, {"state": "under_review"})
        assert (stranger.status_code, stranger["Location"].split("?")[0]) == (302, "/admin/login/")
        assert SandboxObject.objects.get(stripe_id=account).data["charges_enabled"] is True

    @pytest.mark.parametrize(
        ("account", "state", "status"), [("own", "sleepy", 400), ("own", "", 400), ("acct_unknown", "active", 404)]
    )
    def test_tells_what_cannot_be(
        self, staff_browser: Client, new_seller: Callable[[], str], account: str, state: str, status: int
    ) -> None:
        own = new_seller()
        page = staff_browser.get(f"/sandbox/objects/{own}")
        order = filled(page) | {"state": state}
        refused = staff_browser.post(f"/sandbox/accounts/{own if account == 'own' else account}/state", order)
        assert refused.status_code == status
        assert "This account cannot be brought into that state" in text(refused)
        assert SandboxObject.objects.get(stripe_id=own).data["charges_enabled"] is True

    def test_has_a_name_for_each_state(self) -> None:
        assert list(NAMES) == list(decisions.STATES)
