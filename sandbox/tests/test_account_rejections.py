"""Accounts that the platform rejects, and takes back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, get_args, get_type_hints

import pytest
import stripe
from stripe.params import AccountRejectParams

from sandbox.connect import decisions
from sandbox.models import SandboxObject
from sandbox.resources.rejections import DISABLED_REASONS
from sandbox.tests.refusals import told
from sandbox.timeline import due

Make = Callable[..., Any]
Options = dict[str, str]


def standing(account: Any) -> tuple[str | None, bool, bool]:
    """Why an account is disabled, whether it may charge, and whether it is paid out."""
    return (account.requirements.disabled_reason, account.charges_enabled, account.payouts_enabled)


class TestRejectingAnAccount:
    @pytest.mark.parametrize(
        ("reason", "disabled_reason"),
        [
            ("fraud_other", "rejected.platform_fraud"),
            ("fraud_no_intent_to_fulfill", "rejected.platform_fraud"),
            ("fraud_payment_method_casher", "rejected.platform_fraud"),
            ("fraud_payment_method_tester", "rejected.platform_fraud"),
            ("terms_of_service", "rejected.platform_terms_of_service"),
            ("credit", "rejected.platform_other"),
            ("other", "rejected.platform_other"),
        ],
    )
    def test_disables_it(self, v1: Any, at_seller: Options, pay: Make, reason: str, disabled_reason: str) -> None:
        pay()  # a balance keeps nobody from being rejected
        account = v1.accounts.reject(at_seller["stripe_account"], {"reason": reason})
        assert standing(account) == (disabled_reason, False, False)
        assert account.capabilities.to_dict() == {"card_payments": "inactive", "transfers": "inactive"}
        assert account.to_dict() == v1.accounts.retrieve(account.id).to_dict()
        with pytest.raises(stripe.InvalidRequestError, match="cannot currently make charges"):
            pay()

    def test_is_told_of(self, v1: Any, at_seller: Options) -> None:
        rejected = v1.accounts.reject(at_seller["stripe_account"], {"reason": "other"})
        events = SandboxObject.objects.filter(object_type="event", data__request__id=rejected.last_response.request_id)
        assert [event.data["type"] for event in events.order_by("pk")] == [
            "account.updated",
            "capability.updated",
            "capability.updated",
        ]

    def test_may_leave_its_payouts_enabled(self, v1: Any, at_seller: Options, pay: Make) -> None:
        pay("pm_card_bypassPending")
        v1.balance.retrieve(None, at_seller)
        account = v1.accounts.reject(at_seller["stripe_account"], {"reason": "credit", "payouts_action": "none"})
        assert standing(account) == ("rejected.platform_other", False, True)
        due.move_clock(timedelta(days=1))
        assert [each.amount for each in v1.payouts.list(None, at_seller)] == [1000 - 59]

    def test_leaves_no_payouts_enabled_that_were_not(self, v1: Any, at_seller: Options, new_account: Make) -> None:
        decisions.bring_into(at_seller["stripe_account"], "under_review")
        for account in (at_seller["stripe_account"], new_account()):
            assert v1.accounts.reject(account, {"reason": "other", "payouts_action": "none"}).payouts_enabled is False

    def test_happens_before_the_onboarding_too(self, v1: Any, new_account: Callable[[], str]) -> None:
        account = v1.accounts.reject(new_account(), {"reason": "fraud_other"})
        assert standing(account) == ("rejected.platform_fraud", False, False)
        assert "external_account" in account.requirements.past_due

    @pytest.mark.parametrize(
        ("parameters", "code", "param"),
        [
            ({"reason": "fraud"}, None, "reason"),  # before 2026-09-30.endive
            ({}, "parameter_missing", "reason"),
            ({"reason": "other", "payouts_action": "stop"}, None, "payouts_action"),
        ],
    )
    def test_is_refused(self, v1: Any, at_seller: Options, parameters: dict[str, str], code: str | None, param: str) -> None:
        before = v1.accounts.retrieve(at_seller["stripe_account"]).to_dict()
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.accounts.reject(at_seller["stripe_account"], parameters)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
        assert v1.accounts.retrieve(at_seller["stripe_account"]).to_dict() == before

    def test_happens_once(self, v1: Any, new_seller: Callable[[], str]) -> None:
        by_platform, by_stripe = new_seller(), new_seller()
        v1.accounts.reject(by_platform, {"reason": "other"})
        decisions.bring_into(by_stripe, "rejected.fraud")
        for account, reason in ((by_platform, "rejected.platform_other"), (by_stripe, "rejected.fraud")):
            before = list(SandboxObject.objects.values_list("pk", "data", "hidden"))
            with pytest.raises(stripe.InvalidRequestError, match="already been rejected") as refused:
                v1.accounts.reject(account, {"reason": "fraud_other"})
            assert (refused.value.http_status, refused.value.code) == (400, None)
            assert list(SandboxObject.objects.values_list("pk", "data", "hidden")) == before
            assert v1.accounts.retrieve(account).requirements.disabled_reason == reason

    def test_is_the_platforms_alone(self, v1: Any, at_seller: Options, new_seller: Callable[[], str]) -> None:
        own = at_seller["stripe_account"]
        for account, options in ((own, at_seller), (new_seller(), at_seller), ("acct_unknown", {})):
            with pytest.raises(stripe.PermissionError) as refused:
                v1.accounts.reject(account, {"reason": "other"}, options)
            assert (refused.value.http_status, told(refused).code) == (403, "account_invalid")
        assert standing(v1.accounts.retrieve(own)) == (None, True, True)

    def test_has_the_reasons_of_the_sdk(self) -> None:
        [reasons] = [each for each in get_args(AccountRejectParams.__annotations__["reason"]) if get_args(each)]
        assert set(DISABLED_REASONS) == set(get_args(reasons))

    def test_leads_to_the_disabled_reasons_of_the_sdk(self) -> None:
        [told] = [each for each in get_args(get_type_hints(stripe.Account.Requirements)["disabled_reason"]) if get_args(each)]
        assert set(DISABLED_REASONS.values()) == {each for each in get_args(told) if each.startswith("rejected.platform_")}


class TestTakingARejectionBack:
    def test_enables_the_account_again(self, v1: Any, at_seller: Options, pay: Make) -> None:
        v1.accounts.reject(at_seller["stripe_account"], {"reason": "fraud_other"})
        assert standing(v1.accounts.unreject(at_seller["stripe_account"])) == (None, True, True)
        assert pay().status == "succeeded"

    def test_leaves_what_else_stands_against_it(self, v1: Any, new_seller: Make, new_account: Make) -> None:
        paused, fresh = new_seller(), new_account()
        decisions.bring_into(paused, "platform_paused")
        for account, reason in ((paused, "platform_paused"), (fresh, "requirements.past_due")):
            rejected = v1.accounts.reject(account, {"reason": "other"})
            assert standing(rejected) == ("rejected.platform_other", False, False)
            assert standing(v1.accounts.unreject(account)) == (reason, False, False)

    def test_is_refused_where_the_platform_rejected_nobody(self, v1: Any, new_seller: Callable[[], str]) -> None:
        active, by_stripe = new_seller(), new_seller()
        decisions.bring_into(by_stripe, "rejected.fraud")
        for account, reason in ((active, None), (by_stripe, "rejected.fraud")):
            before = list(SandboxObject.objects.values_list("pk", "data", "hidden"))
            with pytest.raises(stripe.InvalidRequestError, match="rejected by your platform can be unrejected") as refused:
                v1.accounts.unreject(account)
            assert (refused.value.http_status, refused.value.code) == (400, None)
            assert list(SandboxObject.objects.values_list("pk", "data", "hidden")) == before
            assert v1.accounts.retrieve(account).requirements.disabled_reason == reason

    def test_is_the_platforms_alone(self, v1: Any, at_seller: Options) -> None:
        v1.accounts.reject(at_seller["stripe_account"], {"reason": "other"})
        before = list(SandboxObject.objects.values_list("pk", "data", "hidden"))
        with pytest.raises(
            stripe.PermissionError, match=f"does not have access to account '{at_seller['stripe_account']}'"
        ) as refused:
            v1.accounts.unreject(at_seller["stripe_account"], None, at_seller)
        assert (refused.value.http_status, told(refused).code) == (403, "account_invalid")
        assert list(SandboxObject.objects.values_list("pk", "data", "hidden")) == before

    def test_is_done_by_stripes_reviewers_as_well(self, v1: Any, at_seller: Options) -> None:
        v1.accounts.reject(at_seller["stripe_account"], {"reason": "other"})
        decisions.bring_into(at_seller["stripe_account"], "active")
        assert standing(v1.accounts.retrieve(at_seller["stripe_account"])) == (None, True, True)
