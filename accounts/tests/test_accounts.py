"""/connected-accounts, and the pages behind the onboarding link."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import ConnectedAccount
from accounts.operations import renew_onboarding_link
from commercecore_payments import clock
from commercecore_payments.recovery import close_as_not_done, recover_due
from commercecore_payments.tests.tenants import Tenant, refunds_at_stripe
from gateway import reads
from gateway.client import stripe_client
from gateway.models import Operation
from gateway.snapshots import AccountSnapshot
from gateway.tests.faults import (
    Answer,
    Send,
    answer,
    fail_inside,
    refuse_connection,
    sent_late,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from sandbox.connect.onboarding import complete_onboarding
from sandbox.money.authentication import answer_open_challenge
from transactions.models import Transaction
from transactions.operations import read


def link_of(tenant: Tenant, account_id: str) -> tuple[str, str]:
    """The onboarding link's path, and the message beside it."""
    body = tenant.post("/connected-accounts/onboarding", {"account_id": account_id}).json()
    return body["links"]["onboarding_url"].removeprefix("http://127.0.0.1:8000"), body["data"]["message"]


def later(**delta: float) -> Any:
    return time_machine.travel(datetime.now(UTC) + timedelta(**delta), tick=True)


class TestCreatingAnAccount:
    def test_asks_for_the_documented_capabilities(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller("Ada@Example.com", onboarded=False)
        parameters = Operation.objects.get().parameters
        assert parameters["type"] == "express"
        assert parameters["email"] == "ada@example.com"
        assert parameters["capabilities"] == {
            name: {"requested": True}
            for name in ("bank_transfer_payments", "card_payments", "link_payments", "transfers", "us_bank_transfer_payments")
        }
        at_stripe = stripe_client().v1.accounts.retrieve(account_id)
        assert at_stripe.metadata is not None
        assert at_stripe.metadata["developer_id"] == tenant.developer.pk

    def test_with_an_email_that_another_developer_uses_is_their_own_affair(self, tenant: Tenant, seller: str) -> None:
        assert Tenant.create().create_seller("seller@example.com") != seller

    def test_needs_no_app_and_no_user(self, tenant: Tenant) -> None:
        response = tenant.client.post(
            "/api/v1/connected-accounts",
            {"email": "a@example.com"},
            format="json",
            headers={"Authorization": f"Bearer {tenant.token}"},
        )
        assert response.status_code == 201


class TestTheOnboardingLink:
    def test_leads_to_a_fresh_link_of_stripes_at_each_opening(self, tenant: Tenant) -> None:
        path, _ = link_of(tenant, tenant.create_seller(onboarded=False))
        first, second = tenant.client.get(path), tenant.client.get(path)
        assert (first.status_code, second.status_code) == (302, 302)
        assert first["Location"] != second["Location"]
        assert first["Referrer-Policy"] == "no-referrer"
        assert first["Cache-Control"] == "no-store"

    def test_brings_the_seller_through_the_form_and_back(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller(onboarded=False)
        path, _ = link_of(tenant, account_id)
        form = tenant.client.get(path)["Location"].removeprefix("http://127.0.0.1:8000")
        page = tenant.client.get(form)
        assert page.status_code == 200
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.content.decode()))
        back = tenant.client.post(form, fields)
        assert back.status_code == 302
        done = tenant.client.get(back["Location"].removeprefix("http://127.0.0.1:8000"))
        assert done.status_code == 200
        account = ConnectedAccount.objects.get()
        assert (account.onboarding, account.charges_enabled, account.payouts_enabled) == ("complete", True, True)
        assert tenant.get(f"/connected-accounts/{account_id}").json()["data"]["capabilities"]["card_payments"] == "active"
        body = tenant.post("/connected-accounts/onboarding", {"account_id": account_id}).json()["data"]
        assert (body["status"], body["requirements"]["currently_due"]) == ("complete", [])

    def test_counts_its_hours_truthfully(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller(onboarded=False)
        first, _ = link_of(tenant, account_id)
        with later(hours=5):
            path, message = link_of(tenant, account_id)
            assert message == "Onboarding link expires in 13 hours use the 'onboarding_url' to complete the onboarding"
            assert path == first

    def test_is_replaced_when_less_than_an_hour_is_left(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller(onboarded=False)
        first, _ = link_of(tenant, account_id)
        with later(hours=17, minutes=30):
            second, message = link_of(tenant, account_id)
            assert message.startswith("Onboarding link expires in 18 hours")
            assert tenant.client.get(first).status_code == 410
            assert tenant.client.get(second).status_code == 302

    def test_dies_after_eighteen_hours(self, tenant: Tenant) -> None:
        path, _ = link_of(tenant, tenant.create_seller(onboarded=False))
        with later(hours=18, seconds=1):
            assert tenant.client.get(path).status_code == 410

    def test_dies_when_it_is_revoked(self, tenant: Tenant) -> None:
        path, _ = link_of(tenant, tenant.create_seller(onboarded=False))
        renew_onboarding_link(ConnectedAccount.objects.get())
        assert tenant.client.get(path).status_code == 410

    def test_dies_with_its_account(self, tenant: Tenant) -> None:
        account_id = tenant.create_seller(onboarded=False)
        path, _ = link_of(tenant, account_id)
        tenant.delete(f"/connected-accounts/{account_id}")
        assert tenant.client.get(path).status_code == 410

    @pytest.mark.parametrize("token", ["1.x", "1.x:forged", "x" * 5000, "%ff", "1.:"], ids=range(5))
    def test_that_is_forged_opens_nothing(self, tenant: Tenant, token: str) -> None:
        tenant.create_seller(onboarded=False)
        assert tenant.client.get(f"/onboarding/{token}").status_code == 410

    def test_is_not_in_the_database(self, tenant: Tenant) -> None:
        path, _ = link_of(tenant, tenant.create_seller(onboarded=False))
        rows = str(list(ConnectedAccount.objects.values())) + str(list(Operation.objects.values()))
        assert path.rsplit("/", 1)[-1] not in rows


class TestTheLoginLink:
    def test_opens_the_dashboard_once(self, tenant: Tenant, seller: str) -> None:
        url = tenant.post("/connected-accounts/login", {"account_id": seller}).json()["data"]["login_url"]
        path = url.removeprefix("http://127.0.0.1:8000")
        assert tenant.client.get(path).status_code == 200
        stranger = Tenant.create()
        assert stranger.client.get(path).status_code != 200

    def test_is_not_stored(self, tenant: Tenant, seller: str) -> None:
        token = tenant.post("/connected-accounts/login", {"account_id": seller}).json()["data"]["token"]
        rows = str(list(ConnectedAccount.objects.values())) + str(list(Operation.objects.values()))
        assert token not in rows


class TestDeletingAnAccount:
    def test_frees_its_email_and_keeps_its_row(self, tenant: Tenant, seller: str) -> None:
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert tenant.get(f"/connected-accounts/{seller}").status_code == 404
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 404
        assert tenant.create_seller("seller@example.com") != seller
        assert sorted(ConnectedAccount.objects.values_list("status", flat=True)) == ["active", "deleted"]

    def test_of_another_developer_is_not_found(self, tenant: Tenant, seller: str) -> None:
        assert Tenant.create().delete(f"/connected-accounts/{seller}").status_code == 404
        assert ConnectedAccount.objects.get().status == "active"

    def test_with_an_open_operation_is_a_conflict(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.pay(seller)
        with stripe_fails(monkeypatch, time_out_after, path="/refunds"):
            tenant.refund(seller)
        response = tenant.delete(f"/connected-accounts/{seller}")
        assert (response.status_code, response.json()["details"]["code"]) == (409, "account_in_use")
        assert stripe_client().v1.accounts.retrieve(seller).id == seller

    @pytest.mark.parametrize("step", ["create", "confirm", "refund"])
    def test_keeps_money_from_moving_there_meanwhile(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        waiting = tenant.create_payment(seller, order_id="1")
        paid = tenant.pay(seller, order_id="2")
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        assert ConnectedAccount.objects.get().status == "deleting"
        with stripe_fails(monkeypatch, time_out_before, path="/v1") as met:
            if step == "create":
                response = tenant.post("/transactions", {"order_id": "3", "account_id": seller, "amount": 1000})
            elif step == "confirm":
                response = tenant.confirm(seller, waiting)
            else:
                response = tenant.refund(seller, order_id="2")
        assert (response.status_code, response.json()["details"]["code"], met) == (409, "account_in_use", [])
        assert refunds_at_stripe(seller, paid) == []
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200

    def test_that_stripe_refuses_leaves_it_in_use(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        refused = answer(400, {"type": "invalid_request_error", "message": "It has a balance."})
        with stripe_fails(monkeypatch, refused, path="/accounts"):
            response = tenant.delete(f"/connected-accounts/{seller}")
        assert (response.status_code, response.json()["detail"]) == (400, "It has a balance.")
        assert ConnectedAccount.objects.get().status == "active"
        assert tenant.pay(seller)

    def test_that_was_deleted_in_stripes_dashboard_is_done(self, tenant: Tenant, seller: str) -> None:
        stripe_client().v1.accounts.delete(seller)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert ConnectedAccount.objects.get().status == "deleted"
        assert tenant.create_seller() != seller

    def test_is_tried_again_after_a_500(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, fail_inside, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200

    def test_with_a_held_payment_is_a_conflict(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        options: Any = {"stripe_account": seller}
        held = stripe_client().v1.payment_intents.create(
            {
                "amount": 1000,
                "currency": "usd",
                "capture_method": "manual",
                "confirm": True,
                "payment_method": "pm_card_visa",
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            },
            options,
        )
        Transaction.objects.filter(stripe_payment_intent_id=transaction_id).update(stripe_payment_intent_id=held.id)
        assert tenant.get(f"/transactions/{held.id}").json()["data"]["status"] == "requires_capture"
        response = tenant.delete(f"/connected-accounts/{seller}")
        assert (response.status_code, response.json()["details"]["code"]) == (409, "account_in_use")
        assert ConnectedAccount.objects.get().status == "active"

    def test_reads_its_unfinished_payments_for_the_last_time(self, tenant: Tenant, seller: str) -> None:
        challenged = tenant.create_payment(seller, order_id="1")
        tenant.confirm(seller, challenged, "pm_card_threeDSecure2Required")
        in_browser = tenant.create_payment(seller, order_id="2")
        left = tenant.create_payment(seller, order_id="3")
        answer_open_challenge(intent_id=challenged, authenticated=True)
        stripe_client().v1.payment_intents.confirm(in_browser, {"payment_method": "pm_card_visa"}, {"stripe_account": seller})
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        seen = dict(Transaction.objects.values_list("stripe_payment_intent_id", "status"))
        assert seen == {challenged: "succeeded", in_browser: "succeeded", left: "requires_payment_method"}
        assert [payment.amount_received_minor for payment in Transaction.objects.order_by("pk")] == [1000, 1000, 0]

    def test_waits_for_a_hold_that_was_made_past_us(self, tenant: Tenant, seller: str) -> None:
        held = tenant.create_payment(seller, capture_method="manual")
        stripe_client().v1.payment_intents.confirm(held, {"payment_method": "pm_card_visa"}, {"stripe_account": seller})
        response = tenant.delete(f"/connected-accounts/{seller}")
        assert (response.status_code, response.json()["details"]["held_transactions"]) == (409, [held])
        assert stripe_client().v1.accounts.retrieve(seller).id == seller

    def test_that_was_cut_off_is_given_up_for_a_hold_that_was_made_meanwhile(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = tenant.create_payment(seller, capture_method="manual")
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        stripe_client().v1.payment_intents.confirm(held, {"payment_method": "pm_card_visa"}, {"stripe_account": seller})
        assert tenant.delete(f"/connected-accounts/{seller}").json()["details"]["code"] == "operation_in_progress"
        with clock.moved_ahead(timedelta(seconds=91)):
            response = tenant.delete(f"/connected-accounts/{seller}")
        assert (response.status_code, response.json()["details"]["code"]) == (409, "account_in_use")
        assert held in response.json()["detail"]
        assert (ConnectedAccount.objects.get().status, Transaction.objects.get().status) == ("active", "requires_capture")
        assert stripe_client().v1.accounts.retrieve(seller).id == seller

    def test_with_more_unfinished_payments_than_can_be_read_is_a_conflict(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(read, "MOST_LISTED", 2)
        oldest, *_ = [tenant.create_payment(seller, order_id=order) for order in ("1", "2", "3")]
        response = tenant.delete(f"/connected-accounts/{seller}")
        details = response.json()["details"]
        assert (response.status_code, details["code"]) == (409, "too_many_unfinished_payments")
        assert details["unfinished_transactions"][0] == oldest
        assert tenant.post(f"/transactions/{oldest}/cancel", {}).status_code == 200
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200

    def test_reads_page_after_page(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reads, "PAGE_SIZE", 1)
        payments = [tenant.create_payment(seller, order_id=order) for order in ("1", "2", "3")]
        for payment in payments:
            stripe_client().v1.payment_intents.confirm(payment, {"payment_method": "pm_card_visa"}, {"stripe_account": seller})
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert list(Transaction.objects.values_list("status", flat=True)) == ["succeeded"] * 3

    def test_is_not_called_off_while_an_earlier_sending_may_take_effect(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = sent_late()
        with stripe_fails(monkeypatch, late, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        with stripe_fails(monkeypatch, refuse_connection, path="/accounts"):
            again = tenant.delete(f"/connected-accounts/{seller}")
        assert (again.status_code, again.json()["details"]["code"]) == (503, "outcome_unknown")
        late.arrives()
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert ConnectedAccount.objects.get().status == "deleted"

    def test_that_takes_effect_before_it_is_sent_again_is_done(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = sent_late()
        with stripe_fails(monkeypatch, late, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503

        def find_it_gone(send: Send, *request: Any) -> Answer:
            late.arrives()
            return send(*request)

        with stripe_fails(monkeypatch, find_it_gone, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        assert ConnectedAccount.objects.get().status == "deleting"
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200

    def test_that_stripe_refuses_when_it_is_sent_again_leaves_it_in_use(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        refused = answer(400, {"type": "invalid_request_error", "message": "It has a balance."})
        with stripe_fails(monkeypatch, refused, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 400
        assert ConnectedAccount.objects.get().status == "active"

    def test_of_one_that_is_gone_with_its_holds_is_done(self, tenant: Tenant, seller: str) -> None:
        held = tenant.create_payment(seller, capture_method="manual")
        assert tenant.confirm(seller, held).json()["data"]["status"] == "requires_capture"
        stripe_client().v1.accounts.delete(seller)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert tenant.create_seller("seller@example.com") != seller

    def test_that_stripe_goes_on_to_refuse_access_to_is_left_to_a_person(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        refused = answer(403, {"type": "invalid_request_error", "message": "The key may not delete accounts."})
        with stripe_fails(monkeypatch, refused, path="/accounts") as sent:
            for hours in range(1, 48):
                with clock.moved_ahead(timedelta(hours=hours)):
                    list(recover_due())
        operation = Operation.objects.get(kind="account.delete")
        assert (operation.status, len(sent)) == ("needs_review", 4)  # after 1, 2, 6 and 20 hours
        close_as_not_done(operation, reason="it is still there")
        assert ConnectedAccount.objects.get().status == "active"

    def test_that_somebody_else_has_just_made_is_done(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        tenant.create_payment(seller)
        whole, is_first = reads.account_is_gone, iter([True])

        def overtaken(account_id: str) -> bool:
            found = whole(account_id)
            if next(is_first, False):
                stripe_client().v1.accounts.delete(seller)
            return found

        monkeypatch.setattr(reads, "account_is_gone", overtaken)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert ConnectedAccount.objects.get().status == "deleted"


class TestReadingAnAccount:
    def test_takes_nothing_back_that_was_read_later(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        seller = tenant.create_seller(onboarded=False)
        whole, is_first = reads.retrieve_account, iter([True])

        def overtaken(account_id: str) -> AccountSnapshot:
            found = whole(account_id)
            if next(is_first, False):
                complete_onboarding(account_id=account_id)
                tenant.get(f"/connected-accounts/{seller}")
            return found

        monkeypatch.setattr(reads, "retrieve_account", overtaken)
        tenant.get(f"/connected-accounts/{seller}")
        assert ConnectedAccount.objects.get().charges_enabled is True

    def test_that_finds_nothing_new_keeps_nobody_from_what_was_read_later(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = tenant.create_seller(onboarded=False)
        whole, is_first = reads.retrieve_account, iter([True])
        old = whole(seller)

        def overtaken(account_id: str) -> AccountSnapshot:
            if not next(is_first, False):
                return old
            complete_onboarding(account_id=account_id)
            found = whole(account_id)
            tenant.get(f"/connected-accounts/{seller}")
            return found

        monkeypatch.setattr(reads, "retrieve_account", overtaken)
        tenant.get(f"/connected-accounts/{seller}")
        assert ConnectedAccount.objects.get().charges_enabled is True
