"""Whether a seller can be paid, and what stands in the way: the list of accounts, each account, and its balance."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ConnectedAccount, Status
from accounts.readiness import DISABLED_REASONS, Blocker, WhoActs, readiness_of
from commercecore_payments.tests.tenants import Tenant
from gateway.client import stripe_client
from sandbox.connect import decisions
from sandbox.models import SandboxObject
from sandbox.timeline import due

DOCUMENT = "individual.verification.document"
ASKED = "The seller has to give Stripe a document that proves the identity of the seller"


def told(tenant: Tenant, seller: str) -> dict[str, Any]:
    """What the API says of the account's readiness."""
    data = tenant.get(f"/connected-accounts/{seller}").json()["data"]
    return {name: data[name] for name in ("can_charge", "can_be_paid_out", "blockers")}


def codes_and_actors(tenant: Tenant, seller: str) -> list[tuple[str, str]]:
    return [(one["code"], one["actor"]) for one in told(tenant, seller)["blockers"]]


class TestASeller:
    def test_who_is_onboarded_has_nothing_in_the_way(self, tenant: Tenant, seller: str) -> None:
        assert told(tenant, seller) == {"can_charge": True, "can_be_paid_out": True, "blockers": []}

    def test_who_is_not_onboarded_has_to_finish(self, tenant: Tenant) -> None:
        seller = tenant.create_seller(onboarded=False)
        text = "The seller has not finished the onboarding."
        blocker = {"code": "onboarding_incomplete", "text": text, "actor": "seller", "deadline": None}
        assert told(tenant, seller) == {"can_charge": False, "can_be_paid_out": False, "blockers": [blocker]}

    def test_who_owes_something_soon_can_still_be_paid(self, tenant: Tenant, seller: str) -> None:
        decisions.bring_into(seller, decisions.DUE_SOON, deadline_s=3600)
        account = SandboxObject.objects.get(stripe_id=seller)
        deadline = datetime.fromtimestamp(account.data["requirements"]["current_deadline"], UTC)
        (problem,) = account.data["requirements"]["errors"]
        found = told(tenant, seller)
        assert (found["can_charge"], found["can_be_paid_out"]) == (True, True)
        assert found["blockers"] == [
            {
                "code": f"due.{DOCUMENT}",
                "text": f"{ASKED}: {problem['reason']}",
                "actor": "seller",
                "deadline": f"{deadline:%Y-%m-%dT%H:%M:%SZ}",
            }
        ]

    @pytest.mark.parametrize(
        ("state", "blockers"),
        [
            ("requirements.past_due", [(f"past_due.{DOCUMENT}", "seller")]),
            ("requirements.pending_verification", [(f"pending_verification.{DOCUMENT}", "stripe")]),
            *((state, [(state, DISABLED_REASONS[state][1].value)]) for state in decisions.DECISIONS),
        ],
    )
    def test_whom_stripe_has_disabled_is_told_why(
        self, tenant: Tenant, seller: str, state: str, blockers: list[tuple[str, str]]
    ) -> None:
        decisions.bring_into(seller, state)
        assert codes_and_actors(tenant, seller) == blockers
        assert (told(tenant, seller)["can_charge"], told(tenant, seller)["can_be_paid_out"]) == (False, False)

    @pytest.mark.parametrize("reason", ["fraud_other", "other", "terms_of_service"])
    def test_whom_the_platform_rejected_waits_for_the_platform(self, tenant: Tenant, seller: str, reason: str) -> None:
        stripe_client().v1.accounts.reject(seller, {"reason": reason})
        ((code, actor),) = codes_and_actors(tenant, seller)
        assert (code in DISABLED_REASONS, actor) == (True, "platform")

    def test_keeps_what_the_documented_answers_say(self, tenant: Tenant, seller: str) -> None:
        decisions.bring_into(seller, "requirements.past_due")
        assert (
            "errors" not in tenant.post("/connected-accounts/onboarding", {"account_id": seller}).json()["data"]["requirements"]
        )


def account(**changes: Any) -> ConnectedAccount:
    known: dict[str, Any] = dict.fromkeys(("charges_enabled", "payouts_enabled", "details_submitted"), True)
    return ConnectedAccount(**{**known, "status": Status.ACTIVE, "capabilities": {"card_payments": "active"}, **changes})


class TestWhatStripeSays:
    def test_of_cards_counts_beside_what_it_says_of_charges(self) -> None:
        found = readiness_of(account(capabilities={"card_payments": "pending"}))
        assert (found.can_charge, found.can_be_paid_out) == (False, True)
        assert [(one.code, one.who_acts) for one in found.blockers] == [("card_payments.pending", WhoActs.STRIPE)]
        found = readiness_of(account(capabilities={"transfers": "active"}))
        assert [(one.code, one.who_acts) for one in found.blockers] == [("card_payments.unrequested", WhoActs.PLATFORM)]

    def test_that_gives_no_reason_is_told_so(self) -> None:
        (blocker,) = readiness_of(account(payouts_enabled=False)).blockers
        assert blocker.code == "unknown"

    def test_in_words_that_are_new_is_told_as_it_came(self) -> None:
        requirements = {
            "disabled_reason": "rejected.for_the_moon",
            "currently_due": ["business_profile.moon_phase", "moon.phase"],
        }
        found = readiness_of(account(charges_enabled=False, requirements=requirements))
        assert [one.text for one in found.blockers] == [
            "Stripe has disabled the account: rejected: for the moon.",
            "The seller has to give Stripe facts about the business.",
            "The seller has to give Stripe moon: phase.",
        ]

    def test_of_one_date_in_three_parts_is_one_thing_to_do(self) -> None:
        names = ["person_1.dob.day", "person_1.dob.month", "person_1.dob.year", "external_account", "tos_acceptance.ip"]
        found = readiness_of(account(requirements={"currently_due": names, "current_deadline": 1_800_000_000}))
        deadline = datetime.fromtimestamp(1_800_000_000, UTC)
        assert found.blockers[0] == Blocker(
            "due.person_1.dob.day",
            "The seller has to give Stripe the date of birth of a person of the company.",
            WhoActs.SELLER,
            deadline,
        )
        assert [one.text.removeprefix("The seller has to give Stripe ") for one in found.blockers[1:]] == [
            "a bank account to be paid out to.",
            "the acceptance of Stripe's terms.",
        ]

    @pytest.mark.parametrize("status", [Status.CREATING, Status.DELETING, Status.DELETED, Status.FAILED])
    def test_counts_for_nothing_of_an_account_that_is_not_there(self, status: Status) -> None:
        found = readiness_of(account(status=status))
        assert (found.can_charge, found.can_be_paid_out, len(found.blockers)) == (False, False, 1)


class TestTheListOfAccounts:
    def test_has_the_newest_first_a_page_at_a_time(self, tenant: Tenant) -> None:
        ids = [tenant.create_seller(f"{number}@example.com", onboarded=number == 2) for number in range(3)]
        Tenant.create().create_seller("0@example.com")
        tenant.get(f"/connected-accounts/{ids[2]}")  # the list tells what was last seen
        first = tenant.get("/connected-accounts?limit=2").json()["data"]
        assert [one["account_id"] for one in first["connected_accounts"]] == [ids[2], ids[1]]
        assert first["has_more"] is True
        rest = tenant.get(f"/connected-accounts?limit=2&starting_after={ids[1]}").json()["data"]
        assert [one["account_id"] for one in rest["connected_accounts"]] == [ids[0]]
        assert rest["has_more"] is False
        assert [one["onboarding"] for one in first["connected_accounts"]] == ["complete", "incomplete"]
        assert rest["connected_accounts"][0]["blockers"][0]["code"] == "onboarding_incomplete"

    def test_shows_those_that_are_asked_for(self, tenant: Tenant) -> None:
        kept, gone = (tenant.create_seller(email, onboarded=False) for email in ("kept@example.com", "gone@example.com"))
        tenant.delete(f"/connected-accounts/{gone}")
        asked = {"": kept, "status=deleted": gone, "status=active": kept, "email=Kept@example.com": kept}
        for query, expected in asked.items():
            found = tenant.get(f"/connected-accounts?{query}").json()["data"]["connected_accounts"]
            assert [one["account_id"] for one in found] == [expected]
        after_one_that_is_gone = tenant.get(f"/connected-accounts?starting_after={gone}").json()["data"]
        assert [one["account_id"] for one in after_one_that_is_gone["connected_accounts"]] == [kept]

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "starting_after=pi_1", "status=lost", "email=nobody", "order=asc"])
    def test_refuses_what_it_does_not_know(self, tenant: Tenant, query: str) -> None:
        answered = tenant.get(f"/connected-accounts?{query}")
        assert (answered.status_code, list(answered.json()["details"]["fields"])) == (400, [query.split("=", maxsplit=1)[0]])

    def test_does_not_begin_behind_another_developers_account(self, tenant: Tenant) -> None:
        foreign = Tenant.create().create_seller(onboarded=False)
        answered = tenant.get(f"/connected-accounts?starting_after={foreign}")
        assert (answered.status_code, answered.json()["details"]["code"]) == (400, "unknown_starting_point")


class TestTheBalance:
    def test_is_what_stripe_holds_now(self, tenant: Tenant, seller: str) -> None:
        tenant.pay(seller, amount=10_000)
        address = f"/connected-accounts/{seller}/balance"
        answered = tenant.get(address)
        assert (answered.status_code, answered.json()["data"]) == (
            200,
            {
                "account_id": seller,
                "available": [{"amount": 0, "currency": "usd"}],
                "pending": [{"amount": 9_680, "currency": "usd"}],
            },
        )
        due.move_clock(timedelta(days=2))
        assert tenant.get(address).json()["data"]["available"] == [{"amount": 9_680, "currency": "usd"}]

    def test_of_another_developers_account_is_not_found(self, tenant: Tenant, seller: str) -> None:
        answered = Tenant.create().get(f"/connected-accounts/{seller}/balance")
        assert (answered.status_code, answered.json()["details"]["code"]) == (404, "account_not_found")


class TestThePageOfAnAccount:
    def test_says_first_what_stands_in_the_way(self, tenant: Tenant, seller: str, admin_client: Client) -> None:
        decisions.bring_into(seller, "under_review")
        tenant.get(f"/connected-accounts/{seller}")
        page = admin_client.get(f"/admin/accounts/connectedaccount/{ConnectedAccount.objects.get().pk}/change/").content.decode()
        assert "This seller can neither take payments nor be paid out" in page
        assert "Stripe reviews the account." in page

    def test_says_nothing_where_nothing_does(self, tenant: Tenant, seller: str, admin_client: Client) -> None:
        tenant.get(f"/connected-accounts/{seller}")
        page = admin_client.get(f"/admin/accounts/connectedaccount/{ConnectedAccount.objects.get().pk}/change/").content.decode()
        assert "This seller can" not in page
