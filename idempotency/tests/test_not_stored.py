"""Answers that are no final ones: under their key the same request is carried out again."""

from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection

import idempotency.operations
from accounts import operations as account_operations
from accounts.errors import AccountExists
from commercecore_payments import errors
from commercecore_payments.error_responses import key_after
from commercecore_payments.errors import KeyAfterwards
from commercecore_payments.openapi.catalogue import REPEATS, entries
from commercecore_payments.tests.tenants import Tenant, intent_at_stripe, refunds_at_stripe
from gateway.errors import OperationInProgress, OutcomeUnknown, StripeConfigurationRefused, StripeUnreachable
from gateway.models import Operation
from gateway.outcomes import Fault
from gateway.tests.faults import (
    LOST_OR_UNSURE,
    answer,
    refuse_connection,
    stripe_fails,
    time_out_after,
    time_out_before,
)
from idempotency.errors import KeyInUse
from idempotency.models import IdempotencyKey, IdempotencyKeyQuerySet
from idempotency.tests.keyed import assert_refused, is_replay, under
from refunds import operations as refund_operations
from transactions.errors import OrderServiceUnreachable

BODY = {"email": "seller@example.com"}


def row() -> IdempotencyKey:
    found: IdempotencyKey = IdempotencyKey.objects.get()
    return found


class TestAValidationFailure:
    @pytest.mark.parametrize("body", [{}, {"email": "nobody"}, {"email": "a@example.com", "status": "active"}])
    def test_leaves_its_key_as_new(self, tenant: Tenant, body: Any) -> None:
        assert tenant.post("/connected-accounts", body, **under()).status_code == 400
        assert IdempotencyKey.objects.count() == 0
        mended = tenant.post("/connected-accounts", BODY, **under())
        assert (mended.status_code, is_replay(mended)) == (201, False)

    def test_of_the_documented_500_leaves_its_key_as_new(self, tenant: Tenant) -> None:
        body = {"transaction_id": "pi_1", "payment_method_id": "pm_card_visa"}
        assert tenant.post("/transactions/confirm", body, **under()).status_code == 500
        assert IdempotencyKey.objects.count() == 0

    def test_that_is_found_late_leaves_its_key_as_new(self, tenant: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1}
        assert tenant.post("/transactions", body, **under()).status_code == 400
        assert tenant.post("/transactions", {**body, "amount": 1000}, **under()).status_code == 201

    @pytest.mark.parametrize("text", ["{", "[]", '{"a": 1, "a": 2}'])
    def test_of_the_json_leaves_its_key_as_new(self, tenant: Tenant, text: str) -> None:
        headers = {**tenant.headers, **under()}
        response = tenant.client.post("/api/v1/connected-accounts", text, content_type="application/json", headers=headers)
        assert response.status_code == 400
        assert IdempotencyKey.objects.count() == 0

    def test_of_a_repeat_keeps_the_key_of_what_the_first_has_reserved(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            tenant.post("/connected-accounts", BODY, **under())
        with monkeypatch.context() as patch:
            patch.setattr(account_operations, "create_account", _find_it_invalid)
            assert tenant.post("/connected-accounts", BODY, **under()).status_code == 400
        other = tenant.post("/connected-accounts", {"email": "other@example.com"}, **under())
        assert_refused(other, 422, "idempotency_key_reused")
        assert tenant.post("/connected-accounts", BODY, **under()).status_code == 201
        assert Operation.objects.get().caller_key == row()


class TestARequestThatIsRefusedBeforeItBegan:
    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"without": "X-App-ID"}, "app_id_required"),
            ({"path": "/transactions?app_id=ap_other"}, "app_id_conflict"),
            ({"path": "/transactions/no/such/route"}, "route_not_found"),
            ({"method": "PUT"}, "method_not_allowed"),
            ({"headers": {"Accept": "text/html"}}, "not_acceptable"),
            ({"content_type": "text/plain"}, "unsupported_media_type"),
            ({"headers": {"Host": "elsewhere.example"}}, "bad_request"),
            ({"headers": {"Idempotency-Key": "k" * 256}}, "idempotency_key_invalid"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_leaves_its_key_as_new_and_the_catalogue_says_so(
        self, tenant: Tenant, seller: str, changed: dict[str, Any], code: str
    ) -> None:
        headers = {**tenant.headers, **under(), **changed.get("headers", {})}
        headers.pop(changed.get("without", ""), None)
        path, content_type = changed.get("path", "/transactions"), changed.get("content_type", "application/json")
        refused = tenant.client.generic(changed.get("method", "POST"), f"/api/v1{path}", "{}", content_type, headers=headers)
        assert refused.json()["details"]["code"] == code
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        mended = tenant.post("/transactions", body, **under())
        assert (mended.status_code, is_replay(mended)) == (201, False)
        [told] = [entry.repeat for entry in entries() if entry.code == code]
        assert told == REPEATS[KeyAfterwards.FORGOTTEN]


def _find_it_invalid(*_: object, **__: object) -> None:
    raise errors.InvalidBody


class TestAnUnknownOutcome:
    @LOST_OR_UNSURE
    def test_keeps_its_key_for_the_very_same_request(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        body = {"order_id": "2227222", "account_id": seller, "amount": 300}
        with stripe_fails(monkeypatch, fault, path="/refunds"):
            unknown = tenant.post("/refunds", body, **under())
        assert (unknown.status_code, row().answered_at) == (503, None)
        assert_refused(tenant.post("/refunds", {**body, "amount": 400}, **under()), 422, "idempotency_key_reused")
        assert Operation.objects.filter(kind="refund.create").count() == 1
        assert len(refunds_at_stripe(seller, transaction_id)) <= 1

    @pytest.mark.parametrize("fault", [time_out_before, time_out_after], ids=lambda fault: fault.__name__)
    def test_is_resumed_by_a_repeat_and_then_replayed(
        self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch, fault: Any
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        body = {"order_id": "2227222", "account_id": seller, "amount": 300}
        with stripe_fails(monkeypatch, fault, path="/refunds"):
            tenant.post("/refunds", body, **under())
        resumed, replayed = (tenant.post("/refunds", body, **under()) for _ in range(2))
        assert (resumed.status_code, is_replay(resumed)) == (201, False)
        assert (replayed.content, is_replay(replayed)) == (resumed.content, True)
        assert refunds_at_stripe(seller, transaction_id) == [300]


class TestARequestOfWhichNothingWasSent:
    def test_is_carried_out_by_its_repeat(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        with stripe_fails(monkeypatch, refuse_connection, path="/accounts"):
            assert_refused(tenant.post("/connected-accounts", BODY, **under()), 503, "stripe_unreachable")
        assert row().answered_at is None
        repeated = tenant.post("/connected-accounts", BODY, **under())
        assert (repeated.status_code, is_replay(repeated), row().attempt) == (201, False, 2)
        assert tenant.post("/connected-accounts", BODY, **under()).content == repeated.content

    def test_for_a_refused_key_of_ours_is_not_stored(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        refused = answer(401, {"type": "invalid_request_error", "message": "Invalid API Key."})
        with stripe_fails(monkeypatch, refused, path="/accounts"):
            assert tenant.post("/connected-accounts", BODY, **under()).status_code == 502
        assert row().answered_at is None
        assert not is_replay(tenant.post("/connected-accounts", BODY, **under()))


class TestAnUnexpectedFailure:
    def test_frees_its_key(self, tenant: Tenant, seller: str, monkeypatch: pytest.MonkeyPatch) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        tenant.client.raise_request_exception = False
        body = {"order_id": "2227222", "account_id": seller, "amount": 300}

        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(refund_operations, "request_refund", fail)
            assert_refused(tenant.post("/refunds", body, **under()), 500, "unexpected_error")
        assert tenant.post("/refunds", body, **under()).status_code == 201
        assert refunds_at_stripe(seller, transaction_id) == [300]


class TestADatabaseThatFails:
    @pytest.mark.parametrize("failure", [DatabaseError("disk full"), InterfaceError("connection already closed")])
    def test_while_the_answer_is_stored_does_not_keep_it_from_the_caller(
        self,
        tenant: Tenant,
        seller: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        failure: Exception,
    ) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        with monkeypatch.context() as patch:
            patch.setattr(idempotency.operations, "update", mock.Mock(side_effect=failure))
            response = tenant.post("/transactions", body, **under())
        assert response.status_code == 201
        assert intent_at_stripe(seller, response.json()["data"]["transaction_id"])["amount"] == 1000
        assert "its answer could not be stored" in caplog.text
        assert_refused(tenant.post("/transactions", body, **under()), 409, "idempotency_key_in_use")

    def test_while_the_key_is_freed_does_not_hide_the_outcome(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"), monkeypatch.context() as patch:
            patch.setattr(IdempotencyKeyQuerySet, "update", _disk_full)
            assert_refused(tenant.post("/connected-accounts", BODY, **under()), 503, "outcome_unknown")
        assert "it could not be freed before its lease lapses" in caplog.text

    def test_after_money_moved_is_told_as_unavailable_and_a_repeat_tells_what_moved(
        self, tenant: Tenant, seller: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        transaction_id = tenant.pay(seller, amount=1000)
        body = {"order_id": "2227222", "account_id": seller, "amount": 300}
        with connection.execute_wrapper(_lost_where_the_refund_is_read):
            response = tenant.post("/refunds", body, **under())
        assert_refused(response, 503, "database_unavailable")
        assert response["Retry-After"] == "5"
        assert "the database failed: " in caplog.text
        repeated = tenant.post("/refunds", body, **under())
        assert (repeated.status_code, repeated.json()["data"]["status"]) == (201, "succeeded")
        assert refunds_at_stripe(seller, transaction_id) == [300]


def _lost_where_the_refund_is_read(execute: Any, sql: str, *rest: Any) -> Any:
    """Only the answer's own read joins a refund to its account. PostgreSQL really ends the connection."""
    if not (sql.startswith("SELECT") and 'JOIN "accounts_connectedaccount"' in sql and 'FROM "refunds_refund"' in sql):
        return execute(sql, *rest)
    if connection.vendor != "postgresql":
        raise OperationalError("the connection is lost")
    return execute("SELECT pg_terminate_backend(pg_backend_pid())", None, *rest[1:])


def _disk_full(*_: object, **__: object) -> None:
    raise DatabaseError("disk full")


class TooManyRequests(errors.ServiceError):
    status = 429


class TestAnAnswer:
    def test_is_not_final_while_an_operation_under_its_key_is_open(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        with stripe_fails(monkeypatch, time_out_before, path="/accounts"):
            tenant.post("/connected-accounts", BODY, **under())
        monkeypatch.setattr(account_operations, "create_account", _refuse)
        assert_refused(tenant.post("/connected-accounts", BODY, **under()), 409, "account_exists")
        assert row().answered_at is None
        assert "the answer of attempt 2 is not final" in caplog.text
        monkeypatch.undo()
        assert tenant.post("/connected-accounts", BODY, **under()).status_code == 201
        assert (row().attempt, row().status_code) == (3, 201)


def _refuse(*_: object, **__: object) -> None:
    raise AccountExists


FREEING = [
    TooManyRequests(),
    errors.ServiceError(),
    errors.Unavailable(),
    OutcomeUnknown("op_1"),
    OperationInProgress(),
    StripeUnreachable(),
    StripeConfigurationRefused(Fault(message="No such key.", http_status=401)),
    OrderServiceUnreachable(),
    KeyInUse(),
    ZeroDivisionError(),
]


class TestTheTableOfErrors:
    @pytest.mark.parametrize("error", FREEING, ids=lambda error: type(error).__name__)
    def test_frees_the_key_after_what_is_not_final(self, error: Exception) -> None:
        assert key_after(error) == KeyAfterwards.FREE

    @pytest.mark.parametrize(
        "error", [errors.BadRequest(), errors.PaymentRequired(), errors.NotFound(), errors.Conflict()], ids=lambda e: e.code
    )
    def test_stores_what_is_final(self, error: Exception) -> None:
        assert key_after(error) == KeyAfterwards.ANSWERED

    @pytest.mark.parametrize(
        "error",
        [errors.InvalidBody(), errors.MalformedBody(), errors.TooLarge(), errors.Unauthorized(), errors.Forbidden()],
        ids=lambda e: e.code,
    )
    def test_forgets_what_did_not_begin(self, error: Exception) -> None:
        assert key_after(error) == KeyAfterwards.FORGOTTEN
