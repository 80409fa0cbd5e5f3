"""The contract of the Idempotency-Key: what a repeat is told, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.errors import AccountNotFound
from accounts.models import ConnectedAccount
from accounts.operations import find_account_of_request
from commercecore_payments.tests.tenants import BASE, Tenant, charges_at_stripe, refunds_at_stripe
from developers.tests.factories import AppFactory
from gateway.models import Operation
from gateway.tests.faults import answer, stripe_fails, time_out_after, time_out_before
from idempotency.models import IdempotencyKey
from idempotency.operations import free_key
from idempotency.tests.keyed import KEY, actor_with_key, assert_refused, is_replay, under
from refunds.models import Refund
from refunds.operations import RefundRequest, find_payment_of_order, request_refund


@pytest.fixture
def paid(tenant: Tenant, seller: str) -> str:
    return tenant.pay(seller, amount=1000)


def refund(tenant: Tenant, seller: str, key: str = KEY, *, amount: int = 300) -> Any:
    body = {"order_id": "2227222", "account_id": seller, "amount": amount}
    return tenant.post("/refunds", body, **under(key))


class TestARepeat:
    def test_is_given_the_first_answer_and_moves_no_money(self, tenant: Tenant, seller: str, paid: str) -> None:
        first = refund(tenant, seller)
        second = refund(tenant, seller)
        assert (first.status_code, second.status_code) == (201, 201)
        assert second.content == first.content
        assert (is_replay(first), is_replay(second)) == (False, True)
        assert refunds_at_stripe(seller, paid) == [300]

    def test_has_the_headers_of_its_own_request(self, tenant: Tenant, seller: str, paid: str) -> None:
        first, second = refund(tenant, seller), refund(tenant, seller)
        assert second["X-Request-ID"] != first["X-Request-ID"]
        assert (second["Cache-Control"], second["CommerceCore-Version"]) == ("no-store", "2024-09-26")

    def test_is_known_however_its_json_is_written(self, tenant: Tenant, seller: str, paid: str) -> None:
        first = refund(tenant, seller)
        text = f'{{ "amount":300,\n"account_id" : "{seller}", "order_id": "\\u0032227222"}}'
        headers = {**tenant.headers, **under()}
        second = tenant.client.post("/api/v1/refunds/", text, content_type="application/json", headers=headers)
        assert (second.content, is_replay(second)) == (first.content, True)

    def test_of_a_decline_is_declined_without_another_charge(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": "pm_card_visa_chargeDeclined"}
        first, second = (tenant.post("/transactions/confirm", body, **under()) for _ in range(2))
        assert (first.status_code, second.status_code, is_replay(second)) == (402, 402, True)
        assert second.content == first.content
        assert len(charges_at_stripe(seller, transaction_id)) == 1

    def test_of_a_refusal_is_refused_though_it_would_succeed_now(self, tenant: Tenant, seller: str) -> None:
        first = refund(tenant, seller)
        transaction_id = tenant.pay(seller)
        second = refund(tenant, seller)
        assert (first.status_code, second.status_code, is_replay(second)) == (404, 404, True)
        assert refunds_at_stripe(seller, transaction_id) == []

    def test_of_a_conflict_keeps_its_status_in_another_version(self, tenant: Tenant, seller: str, paid: str) -> None:
        body = {"account_id": seller, "transaction_id": paid, "payment_method_id": "pm_card_visa"}
        first = tenant.post("/transactions/confirm", body, **under())
        second = tenant.in_version("2026-12-01").post("/transactions/confirm", body, **under())
        assert (first.status_code, second.status_code, is_replay(second)) == (500, 500, True)
        assert (second.content, second["CommerceCore-Version"]) == (first.content, "2024-09-26")

    def test_of_a_rejection_by_stripe_is_rejected(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        body = {"email": "seller@example.com"}
        with stripe_fails(monkeypatch, answer(400, {"type": "invalid_request_error", "message": "No."}), path="/accounts"):
            first = tenant.post("/connected-accounts", body, **under())
        second = tenant.post("/connected-accounts", body, **under())
        assert (first.status_code, second.status_code, is_replay(second)) == (400, 400, True)

    def test_of_a_deletion_is_told_that_it_is_done(self, tenant: Tenant, seller: str) -> None:
        path = f"/connected-accounts/{seller}"
        first, second = tenant.delete(path, **under()), tenant.delete(path, **under())
        assert (first.status_code, second.status_code, is_replay(second)) == (200, 200, True)
        assert second.content == first.content
        assert Operation.objects.filter(kind="account.delete").count() == 1

    def test_hands_the_client_secret_out_again(self, tenant: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        first, second = (tenant.post("/transactions", body, **under()) for _ in range(2))
        assert is_replay(second)
        assert second.json()["data"] == first.json()["data"]


class TestARepeatAfterTheAccountWasDeleted:
    """The first attempt's answer was not stored, since its process died before."""

    @pytest.fixture(autouse=True)
    def answers_that_are_not_stored(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("commercecore_payments.viewsets.store_answer", lambda held, **_: free_key(held))

    def test_tells_the_refund(self, tenant: Tenant, seller: str, paid: str) -> None:
        first = refund(tenant, seller)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        repeated = refund(tenant, seller)
        assert (repeated.status_code, repeated.json()["data"]) == (201, first.json()["data"])
        assert Refund.objects.count() == 1

    def test_tells_the_payment_of_which_there_is_no_secret_any_more(self, tenant: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        first = tenant.post("/transactions", body, **under())
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        repeated = tenant.post("/transactions", body, **under())
        assert repeated.status_code == 201
        assert repeated.json()["data"] == {**first.json()["data"], "client_secret": None}

    def test_tells_the_confirmation(self, tenant: Tenant, seller: str) -> None:
        transaction_id = tenant.create_payment(seller)
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": "pm_card_visa"}
        first = tenant.post("/transactions/confirm", body, **under())
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        repeated = tenant.post("/transactions/confirm", body, **under())
        assert (repeated.status_code, repeated.json()["data"]) == (200, first.json()["data"])

    def test_tells_the_confirmation_while_the_deletions_outcome_is_unknown(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transaction_id = tenant.create_payment(seller)
        body = {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": "pm_card_visa"}
        first = tenant.post("/transactions/confirm", body, **under())
        with stripe_fails(monkeypatch, time_out_after, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        repeated = tenant.post("/transactions/confirm", body, **under())
        assert (repeated.status_code, repeated.json()["data"]) == (200, first.json()["data"])

    def test_does_not_keep_for_good_that_a_deletion_hides_the_secret(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        first = tenant.post("/transactions", body, **under())
        monkeypatch.undo()  # from now on answers are stored
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 503
        assert_refused(tenant.post("/transactions", body, **under()), 409, "account_in_use")
        refused = answer(400, {"type": "invalid_request_error", "message": "It has a balance."})
        with stripe_fails(monkeypatch, refused, path="/accounts"):
            assert tenant.delete(f"/connected-accounts/{seller}").status_code == 400
        assert tenant.post("/transactions", body, **under()).json()["data"] == first.json()["data"]

    def test_under_another_key_is_not_found(self, tenant: Tenant, seller: str, paid: str) -> None:
        refund(tenant, seller)
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        assert refund(tenant, seller, "another").status_code == 404

    def test_of_which_nothing_was_done_does_nothing(self, tenant: Tenant, seller: str, paid: str) -> None:
        assert tenant.delete(f"/connected-accounts/{seller}").status_code == 200
        actor = actor_with_key(tenant)
        account = find_account_of_request(account_id=seller, actor=actor)
        payment = find_payment_of_order(order_id="2227222", account=account, actor=actor)
        with pytest.raises(AccountNotFound):
            request_refund(RefundRequest(payment=payment), actor=actor)
        assert Refund.objects.count() == 0


class TestAKey:
    @pytest.mark.parametrize("key", ["", " ", "   ", "x" * 256, "schlüssel", "tab\tkey", "nul\x00", "del\x7f"])
    def test_that_is_none_is_refused(self, tenant: Tenant, key: str) -> None:
        response = tenant.post("/connected-accounts", {"email": "seller@example.com"}, **under(key))
        assert_refused(response, 400, "idempotency_key_invalid")
        assert ConnectedAccount.objects.count() == IdempotencyKey.objects.count() == 0

    @pytest.mark.parametrize("key", ["1", "x" * 255, "".join(chr(letter) for letter in range(33, 127)), "first,second", "a b"])
    def test_of_printable_ascii_is_taken(self, tenant: Tenant, key: str) -> None:
        body = {"email": "seller@example.com"}
        first, second = (tenant.post("/connected-accounts", body, **under(key)) for _ in range(2))
        assert (first.status_code, second.content, is_replay(second)) == (201, first.content, True)

    def test_has_no_spaces_around_it(self, tenant: Tenant) -> None:
        body = {"email": "seller@example.com"}
        first, second = (tenant.post("/connected-accounts", body, **under(key)) for key in ("a b", " a b  "))
        assert (second.content, is_replay(second)) == (first.content, True)

    def test_of_a_read_is_ignored(self, tenant: Tenant, seller: str) -> None:
        headers = {**tenant.headers, **under("x" * 300)}
        response = tenant.client.get(f"/api/v1/connected-accounts/{seller}", headers=headers)
        assert response.status_code == 200
        assert IdempotencyKey.objects.count() == 0

    def test_of_a_method_that_the_address_does_not_take_is_not_kept(self, tenant: Tenant) -> None:
        assert tenant.delete("/connected-accounts", **under()).status_code == 405
        assert IdempotencyKey.objects.count() == 0

    def test_of_nobody_is_not_kept(self, tenant: Tenant) -> None:
        response = APIClient().post(f"{BASE}/connected-accounts", {"email": "a@example.com"}, format="json", headers=under())
        assert response.status_code == 401
        assert IdempotencyKey.objects.count() == 0

    def test_in_an_unknown_version_is_not_kept(self, tenant: Tenant) -> None:
        body = {"email": "a@example.com"}
        assert tenant.in_version("2001-01-01").post("/connected-accounts", body, **under()).status_code == 400
        assert IdempotencyKey.objects.count() == 0


Ask = Callable[[Tenant, str], Any]
OTHERS: dict[str, Ask] = {
    "body": lambda tenant, seller: refund(tenant, seller, amount=301),
    "type": lambda tenant, seller: tenant.post(
        "/refunds", {"order_id": "2227222", "account_id": seller, "amount": "300"}, **under()
    ),
    "address": lambda tenant, seller: tenant.post(
        "/transactions", {"order_id": "2227222", "account_id": seller, "amount": 300}, **under()
    ),
    "user": lambda tenant, seller: refund(tenant.as_user("usr_bob"), seller),
}


class TestAnotherRequestUnderTheSameKey:
    @pytest.mark.parametrize("ask", OTHERS.values(), ids=OTHERS)
    def test_is_refused_with_no_effect(self, tenant: Tenant, seller: str, paid: str, ask: Ask) -> None:
        first = refund(tenant, seller)
        before = Operation.objects.count()
        assert_refused(ask(tenant, seller), 422, "idempotency_key_reused")
        assert Operation.objects.count() == before
        assert refunds_at_stripe(seller, paid) == [300]
        assert refund(tenant, seller).content == first.content

    def test_by_another_method_is_refused(self, tenant: Tenant, seller: str) -> None:
        tenant.post("/connected-accounts/login", {"account_id": seller}, **under())
        assert_refused(tenant.delete(f"/connected-accounts/{seller}", **under()), 422, "idempotency_key_reused")
        assert ConnectedAccount.objects.get().status == "active"


class TestTheSameKey:
    def test_of_another_app_is_another_key(self, tenant: Tenant, seller: str) -> None:
        other = Tenant(tenant.developer, AppFactory.create(developer=tenant.developer), tenant.token)
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        answers = [caller.post("/transactions", body, **under()) for caller in (tenant, other)]
        assert [(one.status_code, is_replay(one)) for one in answers] == [(201, False), (201, False)]
        assert len({one.json()["data"]["transaction_id"] for one in answers}) == 2

    def test_of_another_developer_is_another_key(self, tenant: Tenant) -> None:
        answers = [
            caller.post("/connected-accounts", {"email": "seller@example.com"}, **under()) for caller in (tenant, Tenant.create())
        ]
        assert [(one.status_code, is_replay(one)) for one in answers] == [(201, False), (201, False)]
        assert len({one.json()["data"]["account_id"] for one in answers}) == 2

    def test_on_a_route_that_knows_no_app_is_the_developers(self, tenant: Tenant) -> None:
        other_app = Tenant(tenant.developer, AppFactory.create(developer=tenant.developer), tenant.token)
        body = {"email": "seller@example.com"}
        first = tenant.post("/connected-accounts", body, **under())
        second = other_app.post("/connected-accounts", body, **under())
        assert (second.content, is_replay(second)) == (first.content, True)

    def test_of_another_environment_is_another_key(self, tenant: Tenant) -> None:
        tenant.post("/connected-accounts", {"email": "seller@example.com"}, **under())
        IdempotencyKey.objects.update(environment="test")
        answer_here = tenant.post("/connected-accounts", {"email": "other@example.com"}, **under())
        assert (answer_here.status_code, is_replay(answer_here)) == (201, False)

    def test_of_a_caller_whose_token_is_revoked_replays_nothing(self, tenant: Tenant, seller: str, paid: str) -> None:
        refund(tenant, seller)
        tenant.developer.tokens.update(revoked_at="2026-01-01T00:00:00Z")
        assert refund(tenant, seller).status_code == 401


class TestALink:
    @pytest.mark.parametrize("path", ["/connected-accounts/login", "/connected-accounts/onboarding"])
    def test_is_made_anew_and_never_stored(self, tenant: Tenant, seller: str, path: str) -> None:
        first, second = (tenant.post(path, {"account_id": seller}, **under()) for _ in range(2))
        assert (first.status_code, second.status_code, is_replay(second)) == (201, 201, False)
        row = IdempotencyKey.objects.get()
        assert (row.attempt, row.answered_at, row.answer) == (2, None, "")
        assert_refused(tenant.post(path, {"account_id": "acct_other"}, **under()), 422, "idempotency_key_reused")

    def test_to_a_dashboard_is_another_one_each_time(self, tenant: Tenant, seller: str) -> None:
        body = {"account_id": seller}
        first, second = (tenant.post("/connected-accounts/login", body, **under()).json()["data"] for _ in range(2))
        assert first["login_url"] != second["login_url"]


class TestARequestWithoutAKey:
    def test_is_carried_out_each_time(self, tenant: Tenant, seller: str, paid: str) -> None:
        tenant.refund(seller, amount=300)
        tenant.refund(seller, amount=300)
        assert refunds_at_stripe(seller, paid) == [300, 300]
        assert (Refund.objects.count(), IdempotencyKey.objects.count()) == (2, 0)
