"""The states of connected accounts that Stripe's reviewers decide, and what an account shows in each."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args, get_type_hints

import pytest
import stripe

from sandbox.connect import decisions, verification
from sandbox.connect.decisions import bring_into
from sandbox.connect.onboarding import OnboardingDetails, complete_onboarding
from sandbox.models import SandboxTask
from sandbox.tests.conftest import NOON
from sandbox.timeline import due

pytestmark = pytest.mark.usefixtures("noon")

Make = Callable[..., Any]
Options = dict[str, str]

DAY = timedelta(days=1)
DOCUMENT = "individual.verification.document"
DOCUMENT_ERROR = {
    "code": "verification_failed_keyed_identity",
    "reason": "individual.verification.document could not be verified.",
    "requirement": DOCUMENT,
}
NOTHING_DUE: dict[str, Any] = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}


def enabled(account: Any) -> tuple[bool, bool]:
    """Whether an account may charge, and whether it is paid out."""
    return (account.charges_enabled, account.payouts_enabled)


class TestADecision:
    @pytest.mark.parametrize("reason", decisions.DECISIONS)
    def test_disables_the_account_until_it_is_lifted(self, v1: Any, at_seller: Options, reason: str) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, reason)
        account = v1.accounts.retrieve(seller)
        assert account.requirements.to_dict() == NOTHING_DUE | {"disabled_reason": reason}
        assert enabled(account) == (False, False)
        assert account.capabilities.to_dict() == {"card_payments": "inactive", "transfers": "inactive"}
        bring_into(seller, "active")
        account = v1.accounts.retrieve(seller)
        assert account.requirements.to_dict() == NOTHING_DUE
        assert enabled(account) == (True, True)
        assert account.capabilities.to_dict() == {"card_payments": "active", "transfers": "active"}

    def test_is_told_of_as_one_change(self, at_seller: Options, told: Make, v1: Any) -> None:
        bring_into(at_seller["stripe_account"], "under_review")
        assert told() == ["account.updated", "capability.updated", "capability.updated"]
        [event] = v1.events.list({"type": "account.updated", "limit": 1}, at_seller).data
        assert event.account == at_seller["stripe_account"]
        assert event.data.previous_attributes.charges_enabled is True
        assert event.data.object.requirements.disabled_reason == "under_review"

    def test_that_stands_already_is_not_told_of(self, at_seller: Options, told: Make) -> None:
        bring_into(at_seller["stripe_account"], "listed")
        told()
        bring_into(at_seller["stripe_account"], "listed")
        assert told() == []

    def test_is_a_reason_of_the_sdk(self) -> None:
        [reasons] = [each for each in get_args(get_type_hints(stripe.Account.Requirements)["disabled_reason"]) if get_args(each)]
        by_the_platform = {reason for reason in get_args(reasons) if reason.startswith("rejected.platform_")}
        derived = {"requirements.past_due", "requirements.pending_verification", "action_required.requested_capabilities"}
        assert set(decisions.DECISIONS) == set(get_args(reasons)) - by_the_platform - derived

    @pytest.mark.parametrize("reason", decisions.DECISIONS)
    @pytest.mark.parametrize("before", ["due_soon", "requirements.past_due", "requirements.pending_verification"])
    def test_leaves_what_was_owed_before(self, v1: Any, at_seller: Options, before: str, reason: str) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, before)
        owed = v1.accounts.retrieve(seller).requirements.to_dict()
        bring_into(seller, reason)
        account = v1.accounts.retrieve(seller)
        assert account.requirements.to_dict() == owed | {"disabled_reason": reason}
        assert account.requirements.to_dict() != NOTHING_DUE | {"disabled_reason": reason}
        assert account.capabilities.to_dict() == {"card_payments": "inactive", "transfers": "inactive"}

    def test_stands_beside_what_is_due(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "due_soon", deadline_s=3600)
        bring_into(seller, "under_review")
        due.move_clock(timedelta(hours=1))
        found = v1.accounts.retrieve(seller).requirements
        assert (found.disabled_reason, found.past_due) == ("under_review", [DOCUMENT])

    def test_outlasts_another_onboarding(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "rejected.fraud")
        complete_onboarding(account_id=seller)
        account = v1.accounts.retrieve(seller)
        assert (account.requirements.disabled_reason, *enabled(account)) == ("rejected.fraud", False, False)


class TestARequirement:
    def test_that_is_due_soon_leaves_the_account_enabled_until_its_deadline(
        self, v1: Any, at_seller: Options, told: Make
    ) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "due_soon", deadline_s=3600)
        account = v1.accounts.retrieve(seller)
        assert account.requirements.to_dict() == NOTHING_DUE | {
            "current_deadline": int(NOON.timestamp()) + 3600,
            "currently_due": [DOCUMENT],
            "errors": [DOCUMENT_ERROR],
            "eventually_due": [DOCUMENT],
        }
        assert enabled(account) == (True, True)
        assert account.capabilities.card_payments == "active"
        assert told() == ["account.updated", "capability.updated", "capability.updated"]

        assert due.move_clock(timedelta(seconds=3599)) == 0
        assert told() == []
        assert due.move_clock(timedelta(seconds=1)) == 1
        account = v1.accounts.retrieve(seller)
        assert account.requirements.to_dict() == NOTHING_DUE | {
            "currently_due": [DOCUMENT],
            "disabled_reason": "requirements.past_due",
            "errors": [DOCUMENT_ERROR],
            "eventually_due": [DOCUMENT],
            "past_due": [DOCUMENT],
        }
        assert enabled(account) == (False, False)
        assert account.capabilities.card_payments == "inactive"
        assert told() == ["account.updated", "capability.updated", "capability.updated"]

    def test_has_fourteen_days_where_nobody_says(self, v1: Any, at_seller: Options) -> None:
        bring_into(at_seller["stripe_account"], "due_soon")
        found = v1.accounts.retrieve(at_seller["stripe_account"]).requirements
        assert found.current_deadline == int((NOON + 14 * DAY).timestamp())

    def test_that_is_met_in_time_disables_nothing(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "due_soon", deadline_s=3600)
        complete_onboarding(account_id=seller)
        due.move_clock(timedelta(hours=2))
        account = v1.accounts.retrieve(seller)
        assert (account.requirements.to_dict(), enabled(account)) == (NOTHING_DUE, (True, True))

    def test_whose_deadline_was_moved_waits_for_the_new_one(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "due_soon", deadline_s=3600)
        bring_into(seller, "due_soon", deadline_s=7200)
        due.move_clock(timedelta(seconds=3600))
        assert v1.accounts.retrieve(seller).requirements.past_due == []
        due.move_clock(timedelta(seconds=3600))
        assert v1.accounts.retrieve(seller).requirements.past_due == [DOCUMENT]

    def test_of_a_deleted_account_falls_due_without_effect(self, v1: Any, at_seller: Options) -> None:
        bring_into(at_seller["stripe_account"], "due_soon", deadline_s=3600)
        v1.accounts.delete(at_seller["stripe_account"])
        assert due.move_clock(timedelta(hours=1)) == 1
        assert not SandboxTask.objects.filter(kind=verification.DEADLINE_PASSES).exists()

    def test_that_is_past_due_is_resolved_by_the_onboarding_form(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "requirements.past_due")
        account = v1.accounts.retrieve(seller)
        assert (account.requirements.disabled_reason, account.requirements.past_due) == ("requirements.past_due", [DOCUMENT])
        assert [error.to_dict() for error in account.requirements.errors] == [DOCUMENT_ERROR]
        addresses = {"refresh_url": "https://shop.example/again", "return_url": "https://shop.example/back"}
        assert v1.account_links.create({"account": seller, "type": "account_onboarding", **addresses}).url
        assert v1.accounts.login_links.create(seller).url
        complete_onboarding(account_id=seller)
        account = v1.accounts.retrieve(seller)
        assert (account.requirements.to_dict(), enabled(account)) == (NOTHING_DUE, (True, True))

    def test_of_a_company_is_its_tax_number(self, v1: Any, new_account: Callable[[], str]) -> None:
        account = new_account()
        complete_onboarding(account_id=account, details=OnboardingDetails(business_type="company"))
        bring_into(account, "requirements.past_due")
        found = v1.accounts.retrieve(account).requirements
        assert (found.past_due, found.errors[0].code) == (["company.tax_id"], "verification_failed_tax_id_match")

    def test_that_is_being_verified_leaves_the_capabilities_pending(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "requirements.pending_verification")
        account = v1.accounts.retrieve(seller)
        assert account.requirements.to_dict() == NOTHING_DUE | {
            "disabled_reason": "requirements.pending_verification",
            "pending_verification": [DOCUMENT],
        }
        assert enabled(account) == (False, False)
        assert account.capabilities.to_dict() == {"card_payments": "pending", "transfers": "pending"}
        found = v1.accounts.capabilities.retrieve(seller, "card_payments")
        assert (found.status, found.requirements.pending_verification) == ("pending", [DOCUMENT])


class TestACapability:
    @pytest.mark.parametrize(
        ("state", "reason"),
        [
            ("requirements.past_due", "requirements.fields_needed"),
            ("requirements.pending_verification", "pending.review"),
            ("under_review", "pending.review"),
            ("listed", "pending.review"),
            ("other", "other"),
            ("platform_paused", "platform_paused"),
            ("rejected.fraud", "rejected.other"),
            ("active", None),
        ],
    )
    def test_says_why_it_is_not_active_in_its_own_words(
        self, v1: Any, at_seller: Options, state: str, reason: str | None
    ) -> None:
        bring_into(at_seller["stripe_account"], state)
        found = v1.accounts.capabilities.retrieve(at_seller["stripe_account"], "card_payments")
        assert found.requirements.disabled_reason == reason

    def test_that_is_active_shows_what_is_due_soon(self, v1: Any, at_seller: Options) -> None:
        bring_into(at_seller["stripe_account"], "due_soon")
        found = v1.accounts.capabilities.retrieve(at_seller["stripe_account"], "transfers")
        assert (found.status, found.requirements.currently_due) == ("active", [DOCUMENT])
        assert found.requirements.current_deadline == int((NOON + 14 * DAY).timestamp())

    def test_is_needed_for_an_account_to_be_enabled(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        none = {name: {"requested": False} for name in ("card_payments", "transfers")}
        account = v1.accounts.update(seller, {"capabilities": none})
        assert account.requirements.disabled_reason == "action_required.requested_capabilities"
        assert (enabled(account), account.capabilities.to_dict()) == ((False, False), {})
        account = v1.accounts.update(seller, {"capabilities": {"card_payments": {"requested": True}}})
        assert (account.requirements.disabled_reason, *enabled(account)) == (None, True, True)
        assert account.capabilities.card_payments == "active"

    def test_asked_for_at_a_disabled_account_waits_like_the_others(self, v1: Any, at_seller: Options) -> None:
        seller = at_seller["stripe_account"]
        bring_into(seller, "under_review")
        account = v1.accounts.update(seller, {"capabilities": {"link_payments": {"requested": True}}})
        assert account.capabilities.link_payments == "inactive"
        bring_into(seller, "active")
        assert v1.accounts.retrieve(seller).capabilities.link_payments == "active"
