"""What the API refuses, in its one error shape, with nothing done."""

import gzip
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.db import OperationalError, connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ConnectedAccount
from commercecore_payments.tests.tenants import BASE, Tenant
from commercecore_payments.wsgi import Utf8Request, application
from gateway.models import Operation
from paymentmethods.models import PaymentMethod
from refunds.models import Refund
from transactions.models import Transaction

ACCOUNT = "acct_1Q05C3FNeyusjZzz"
LONG = "x" * 256

BAD_FIELDS = [
    ("/connected-accounts", {}, "email"),
    ("/connected-accounts", {"email": None}, "email"),
    ("/connected-accounts", {"email": ""}, "email"),
    ("/connected-accounts", {"email": "nobody"}, "email"),
    ("/connected-accounts", {"email": 7}, "email"),
    ("/connected-accounts", {"email": ["a@example.com"]}, "email"),
    ("/connected-accounts", {"email": {"a": "b"}}, "email"),
    ("/connected-accounts", {"email": "a\x00@example.com"}, "email"),
    ("/connected-accounts", {"email": "a\ud800@example.com"}, "email"),
    ("/connected-accounts", {"email": "İ@example.com"}, "email"),
    ("/connected-accounts", {"email": "a" * 250 + "@example.com"}, "email"),
    ("/connected-accounts", {"email": "a@example.com", "developer_id": "de_1"}, "developer_id"),
    ("/connected-accounts", {"email": "a@example.com", "status": "active"}, "status"),
    ("/connected-accounts/onboarding", {}, "account_id"),
    ("/connected-accounts/onboarding", {"account_id": 7}, "account_id"),
    ("/connected-accounts/onboarding", {"account_id": "pi_1"}, "account_id"),
    ("/connected-accounts/login", {}, "account_id"),
    ("/connected-accounts/login", {"account_id": "acct_1/../x"}, "account_id"),
    ("/transactions", {}, "order_id"),
    ("/transactions", {"order_id": 2227222}, "order_id"),
    ("/transactions", {"order_id": LONG}, "order_id"),
    ("/transactions", {"order_id": "1", "amount": "1000"}, "account_id"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": None}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": ""}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": "ten"}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 10.5}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000.0}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": "10.5"}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": "1e3"}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": " 1000"}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": "+1000"}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": "١٠٠٠"}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": True}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 0}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": -1000}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 10**30}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": "9" * 4000}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": [1000]}, "amount"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "currency": "xxx"}, "currency"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "currency": 840}, "currency"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "return_url": "nowhere"}, "return_url"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "return_url": "ftp://a.example/"}, "return_url"),
    (
        "/transactions",
        {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "return_url": "javascript:alert(1)"},
        "return_url",
    ),
    (
        "/transactions",
        {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "return_url": "https://a:b@c.example/"},
        "return_url",
    ),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": "x"}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"a": 1}}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"a": {"b": "c"}}}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"": "c"}}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"a": "\x00"}}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"a": "\udc00"}}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"k" * 41: "v"}}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"a": "v" * 501}}, "metadata"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"a[b]": "v"}}, "metadata"),
    (
        "/transactions",
        {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {"commercecore_operation": "op_1"}},
        "metadata",
    ),
    (
        "/transactions",
        {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "metadata": {f"k{n}": "v" for n in range(46)}},
        "metadata",
    ),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "status": "succeeded"}, "status"),
    ("/transactions", {"order_id": "1", "account_id": ACCOUNT, "amount": 1000, "user_id": "usr_bob"}, "user_id"),
    ("/transactions/confirm", {"account_id": ACCOUNT, "payment_method_id": "pm_card_visa"}, "transaction_id"),
    ("/transactions/confirm", {"account_id": ACCOUNT, "transaction_id": "pi_1"}, "payment_method_id"),
    (
        "/transactions/confirm",
        {"account_id": ACCOUNT, "transaction_id": "pi_1", "payment_method_id": "4242424242424242"},
        "payment_method_id",
    ),
    (
        "/transactions/confirm",
        {"account_id": ACCOUNT, "transaction_id": "pi_1/capture", "payment_method_id": "pm_card_visa"},
        "transaction_id",
    ),
    (
        "/transactions/confirm",
        {"account_id": ACCOUNT, "transaction_id": "pi_1", "payment_method_id": "pm_card_visa", "amount": 1},
        "amount",
    ),
    ("/refunds", {"account_id": ACCOUNT}, "order_id"),
    ("/refunds", {"order_id": "1"}, "account_id"),
    ("/refunds", {"order_id": "1", "account_id": ACCOUNT, "amount": 0}, "amount"),
    ("/refunds", {"order_id": "1", "account_id": ACCOUNT, "amount": -5}, "amount"),
    ("/refunds", {"order_id": "1", "account_id": ACCOUNT, "amount": "all"}, "amount"),
    ("/refunds", {"order_id": "1", "account_id": ACCOUNT, "reason": "because"}, "reason"),
    ("/refunds", {"order_id": "1", "account_id": ACCOUNT, "reason": ["duplicate"]}, "reason"),
    ("/refunds", {"order_id": "1", "account_id": ACCOUNT, "reason": "\ud800"}, "reason"),
    ("/refunds", {"order_id": "1", "account_id": ACCOUNT, "refund_id": "re_1"}, "refund_id"),
    ("/payment-methods", {}, "payment_method_id"),
    ("/payment-methods", {"payment_method_id": "4242 4242 4242 4242"}, "payment_method_id"),
    ("/payment-methods", {"payment_method_id": "pm_card_visa", "type": "bank"}, "type"),
    ("/payment-methods", {"payment_method_id": "pm_card_visa", "preferred": "yes"}, "preferred"),
    ("/payment-methods", {"payment_method_id": "pm_card_visa", "preferred": 1}, "preferred"),
    ("/payment-methods", {"payment_method_id": "pm_card_visa", "card": {"number": "4242424242424242"}}, "card"),
]

NOT_JSON_OBJECTS = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"7",
    b'{"order_id": NaN}',
    b'{"order_id": Infinity}',
    b'{"order_id": "1", "order_id": "2"}',
    b'{"\\ud800": 1}',
    b'{"order_id": "1", "metadata": {"\\udfff": "1"}}',
    b"\xff\xfe{}",
    '{"order_id": "1"}'.encode("utf-16"),
    '{"order_id": "1"}'.encode("utf-32-le"),
    b'{"order_id": "\xc3\x28"}',
    b"[" * 30_000,
    b'{"a":' * 10_000,
    b'{"order_id": "1", "metadata": ' + b'{"a":' * 15 + b"1" + b"}" * 16,
    b'{"order_id": "1", "metadata": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
    b'{"order_id": ' + b"[" * 900 + b"]" * 900 + b"}",
    b"{" + b",".join(b'"%d": 1' % number for number in range(501)) + b"}",
    b'{"amount": 1e999, "order_id": "1"}',
    b'{"order_id": "1"} {}',
    b'{"amount": ' + b"9" * 5_000 + b"}",
]

ROUTES = [
    ("/connected-accounts", "post"),
    ("/connected-accounts/onboarding", "post"),
    ("/connected-accounts/login", "post"),
    (f"/connected-accounts/{ACCOUNT}", "get"),
    ("/transactions", "post"),
    ("/transactions/confirm", "post"),
    ("/refunds", "post"),
    ("/payment-methods", "post"),
    ("/status", "get"),
    ("", "get"),
]
# Other methods of the same addresses; `confirm` reads as the id of a transaction.
ALSO_ROUTES = [
    ("/connected-accounts", "get"),
    (f"/connected-accounts/{ACCOUNT}", "delete"),
    ("/transactions/confirm", "get"),
    ("/payment-methods", "get"),
    ("/refunds", "get"),
    ("/transactions", "get"),
]


def assert_error_shape(response: Any, status: int, *, path: str, method: str = "POST") -> dict[str, Any]:
    """The one shape of all errors; answers its `details`."""
    assert response.status_code == status
    body: dict[str, Any] = response.json()
    assert set(body) == {"detail", "error", "meta", "details"}
    assert body["meta"].pop("request_id") == response["X-Request-ID"]
    assert body["meta"] == {
        "success": False,
        "status_code": status,
        "request_method": method,
        "request_path": f"{BASE}{path}",
    }
    assert body["details"]["message"] == body["detail"]
    assert {"code", "fields"} <= set(body["details"])
    details: dict[str, Any] = body["details"]
    return details


def assert_nothing_was_done() -> None:
    for model in (ConnectedAccount, Transaction, Refund, PaymentMethod, Operation):
        assert not model.objects.exists()


class TestABadField:
    @pytest.mark.parametrize(("path", "body", "field"), BAD_FIELDS, ids=range(len(BAD_FIELDS)))
    def test_is_named_and_nothing_is_done(self, tenant: Tenant, path: str, body: dict[str, Any], field: str) -> None:
        response = tenant.client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=tenant.headers)
        details = assert_error_shape(response, 400, path=path)
        assert list(details["fields"]) == [field]
        assert details["message"].startswith("Invalid request body. '")
        assert "4242" not in response.content.decode()
        assert_nothing_was_done()


class TestABadBody:
    @pytest.mark.parametrize("raw", NOT_JSON_OBJECTS, ids=range(len(NOT_JSON_OBJECTS)))
    def test_is_malformed(self, tenant: Tenant, raw: bytes) -> None:
        response = tenant.client.post("/api/v1/transactions", raw, content_type="application/json", headers=tenant.headers)
        details = assert_error_shape(response, 400, path="/transactions")
        assert details["code"] in ("malformed_body", "invalid_body")
        assert_nothing_was_done()

    def test_above_64_kilobytes_is_too_large(self, tenant: Tenant) -> None:
        raw = json.dumps({"order_id": "x" * 65_536})
        response = tenant.client.post("/api/v1/transactions", raw, content_type="application/json", headers=tenant.headers)
        assert assert_error_shape(response, 413, path="/transactions")["code"] == "body_too_large"
        assert_nothing_was_done()

    def test_in_chunks_needs_a_length(self, tenant: Tenant) -> None:
        chunked = {**tenant.headers, "Transfer-Encoding": "chunked"}
        response = tenant.client.post("/api/v1/refunds", {}, format="json", headers=chunked)
        assert assert_error_shape(response, 411, path="/refunds")["code"] == "length_required"

    def test_that_is_compressed_is_refused_unread(self, tenant: Tenant) -> None:
        bomb = gzip.compress(b'{"order_id": "' + b"x" * 1_000_000 + b'"}')
        for coding in ("gzip", "deflate, gzip", "GZIP"):
            response = tenant.client.post(
                "/api/v1/transactions",
                bomb,
                content_type="application/json",
                headers={**tenant.headers, "Content-Encoding": coding, "Idempotency-Key": "a"},
            )
            assert assert_error_shape(response, 415, path="/transactions")["code"] == "unsupported_content_encoding"
        assert_nothing_was_done()

    def test_is_answered_with_little_more_than_was_sent(self, tenant: Tenant) -> None:
        """However many mistakes it holds: else a stranger's few bytes would cost us many."""
        for path, body in (
            ("/webhook-endpoints", {"url": "https://shop.example/", "events": ["x"] * 15_000}),
            ("/transactions", {"order_id": "1", **{f"{number:0240}": 1 for number in range(250)}}),
        ):
            response = tenant.post(path, body)
            assert response.status_code == 400
            assert len(response.content) < 2 * 65_536

    @pytest.mark.parametrize(
        "kind", ["application/x-www-form-urlencoded", "text/plain", "application/xml", "multipart/form-data"]
    )
    def test_of_another_media_type_is_unsupported(self, tenant: Tenant, kind: str) -> None:
        response = tenant.client.post("/api/v1/refunds", b"order_id=1", content_type=kind, headers=tenant.headers)
        assert assert_error_shape(response, 415, path="/refunds")["code"] == "unsupported_media_type"
        assert_nothing_was_done()


class TestARoute:
    @pytest.mark.parametrize(("path", "method"), ROUTES)
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_answers_with_and_without_a_trailing_slash(self, tenant: Tenant, path: str, method: str, slash: str) -> None:
        response = getattr(tenant.client, method)(f"/api/v1{path}{slash}", format="json", headers=tenant.headers)
        answered = {"/transactions/confirm": 500, "": 200, "/status": 200, f"/connected-accounts/{ACCOUNT}": 404}
        assert response.status_code == answered.get(path, 400)  # the documented 500 of a missing account_id
        assert response.json().get("details", {}).get("code") != "route_not_found"

    @pytest.mark.parametrize(("path", "method"), ROUTES)
    def test_refuses_other_methods(self, tenant: Tenant, path: str, method: str) -> None:
        for other in {"get", "post", "put", "patch", "delete"} - {method}:
            if (path, other) in ALSO_ROUTES:
                continue
            response = getattr(tenant.client, other)(f"/api/v1{path}", headers=tenant.headers)
            nobodys = getattr(APIClient(), other)(f"/api/v1{path}", headers={"X-App-ID": "ap_1"}, query_params={"app_id": "ap_2"})
            if other == "get" and path.startswith("/connected-accounts/"):
                continue  # reads as the id of an account
            details = assert_error_shape(response, 405, path=path, method=other.upper())
            assert details["code"] == "method_not_allowed"
            assert "Allow" in response
            assert (nobodys.status_code, nobodys["Allow"]) == (405, response["Allow"])
        assert_nothing_was_done()

    @pytest.mark.parametrize(
        "path", ["/nothing", "/transactions/1/2/3", "/connected-accounts/a/b", "/statusx", "x", "/refunds//", "/transactions/a-b"]
    )
    @pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
    def test_that_does_not_exist_is_not_found(self, db: None, path: str, method: str) -> None:
        response = getattr(APIClient(enforce_csrf_checks=True), method)(f"/api/v1{path}", format="json")
        assert assert_error_shape(response, 404, path=path, method=method.upper())["code"] == "route_not_found"

    @pytest.mark.parametrize("path", ["/transactions/%ff", "/connected-accounts/acct_1%7f", "/connected-accounts/%ff"])
    def test_with_bytes_that_no_id_holds_is_not_found(self, tenant: Tenant, path: str) -> None:
        assert tenant.get(path).status_code == 404

    @pytest.mark.parametrize("path", ["/sandbox/express/%ff/x", "/sandbox/3d-secure/%ff/%7f", "/onboarding/%ff"])
    def test_of_a_page_with_such_bytes_is_not_there_either(self, tenant: Tenant, path: str) -> None:
        assert tenant.client.get(path).status_code in (404, 410)

    @pytest.mark.parametrize("address", ["/admin/%00/", "/admin/?q=%00", "/api/v1/status?x=%00"])
    def test_with_a_nul_anywhere_is_refused_without_a_stack_trace(
        self, db: None, address: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert APIClient().get(address).status_code == 400
        finished, refused = caplog.records
        assert (finished.levelname, refused.levelname, refused.exc_info) == ("INFO", "WARNING", None)

    @pytest.mark.parametrize("key", [r"0123456789abcdefghijklmnopqrstu\000", "0123456789abcdefghijklmnopqrstuvw", "A" * 32])
    def test_with_a_session_that_is_none_of_ours_asks_no_database_for_it(
        self, db: None, key: str, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
    ) -> None:
        """A quoted cookie may spell a NUL, which PostgreSQL refuses."""
        with django_assert_num_queries(0):
            response = Client().get("/admin/", HTTP_COOKIE=f'sessionid="{key}"')
        assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/admin/")

    @pytest.mark.parametrize(
        "parameter", [*(f"charset={name}" for name in ("zlib", "idna", "undefined", "utf-7", "latin-1")), "x*=idna''%ff"]
    )
    @pytest.mark.parametrize("path", ["/api/v1", "/docs", "/livez"])
    def test_reads_its_address_as_utf_8_whatever_charset_is_named(self, path: str, parameter: str) -> None:
        """Python has codecs of these names, some of which are none for text. Outside of the test client, which decodes first."""
        asked = {"PATH_INFO": path, "QUERY_STRING": "x=%C3%A9", "HTTP_HOST": "127.0.0.1", "CONTENT_TYPE": f"a/b; {parameter}"}
        setup_testing_defaults(asked)
        answered: list[str] = []

        def answer(status: str, *_: Any) -> Any:
            answered.append(status)

        application(asked, answer)
        assert (answered, Utf8Request(asked).GET["x"]) == (["200 OK"], "é")

    def test_reads_its_form_as_utf_8_whatever_charset_is_named(self) -> None:
        form = '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\né\r\n--b--\r\n'.encode()
        kind = {"CONTENT_TYPE": "multipart/form-data; boundary=b; charset=zlib", "CONTENT_LENGTH": str(len(form))}
        asked = {**kind, "REQUEST_METHOD": "POST", "wsgi.input": BytesIO(form)}
        setup_testing_defaults(asked)
        assert Utf8Request(asked).POST["x"] == "é"

    def test_outside_the_api_is_a_page(self, db: None) -> None:
        response = APIClient().get("/nothing")
        assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")

    def test_below_an_unknown_host_is_refused(self, db: None) -> None:
        response = APIClient().get("/api/v1/status", headers={"Host": "evil.example"})
        assert response.status_code == 400
        assert "evil.example" not in response.content.decode()

    def test_answers_no_cached_copy(self, tenant: Tenant) -> None:
        assert tenant.get("/status")["Cache-Control"] == "no-store"


class TestAnUnexpectedError:
    def test_says_the_documented_sentence_and_nothing_of_the_inside(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise ValueError("secret inside")

        monkeypatch.setattr("accounts.operations.find_account", fail)
        tenant.client.raise_request_exception = False
        response = tenant.post("/connected-accounts/login", {"account_id": ACCOUNT})
        details = assert_error_shape(response, 500, path="/connected-accounts/login")
        assert details["message"] == "An unexpected error occurred while processing your request."
        assert "secret inside" not in response.content.decode()


class TestTheStatus:
    def test_is_503_when_the_database_is_away(self, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> None:
            raise OperationalError("connection refused")

        connection.close()
        with monkeypatch.context() as patch:
            patch.setattr(connection, "connect", refuse)
            response = APIClient().get("/api/v1/status")
        assert (response.status_code, response.json()["database_status"]) == (503, "disconnected")
