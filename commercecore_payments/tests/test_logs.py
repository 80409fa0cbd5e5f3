"""Secrets in log lines."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from commercecore_payments.logs import HidingFormatter, without_secrets
from commercecore_payments.tests.tenants import Tenant
from gateway.tests.faults import refuse_connection, stripe_fails

SECRETS = [
    "cct_sandbox_SCEorot83TEoohW2AnLvUB61gLuHraxdrbECckWJcJ",
    "sk_test_51PwVFgRoSQz2jDze",
    "rk_live_51PwVFgRoSQz2jDze",
    "Basic c2tfdGVzdF94Og==",
    "Bearer mF_9.B5f-4.1JqM",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "pi_3Q0AohFNeyusjZzz0MFRwI7M_secret_abcDEF123",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
]


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the service's own handler writes meanwhile."""
    [console] = [one for one in logging.getLogger().handlers if isinstance(one.formatter, HidingFormatter)]
    assert isinstance(console, logging.StreamHandler)
    text = StringIO()
    usual = console.setStream(text)
    yield text
    console.setStream(usual)


class TestALogLine:
    @pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
    def test_hides_a_secret_of_any_shape(self, secret: str) -> None:
        record = logging.LogRecord("x", logging.INFO, "x.py", 1, "token %s, and more", (secret,), None)
        assert HidingFormatter().format(record) == "token [hidden], and more"

    @pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
    def test_hides_a_secret_in_an_exception(self, secret: str) -> None:
        error = ValueError(f"no such key: {secret}")
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", (), (ValueError, error, None))
        assert HidingFormatter().format(record) == "failed\nValueError: no such key: [hidden]"

    @pytest.mark.parametrize("path", ["/onboarding/", "/sandbox/express/", "/sandbox/connect/setup/e/", "/sandbox/3d-secure/"])
    def test_hides_the_secret_part_of_an_address(self, path: str) -> None:
        assert without_secrets(f"Gone: {path}acct_1%00/1.abc-DEF:ghi/done?x=1") == f"Gone: {path}[hidden]?x=1"

    def test_keeps_what_is_no_secret(self) -> None:
        line = "operation op_8wjXxMCiRZJQcnwYenBjBpja payment_intent.create: succeeded (Stripe req_TGE2iWmVKwd13r)"
        assert without_secrets(line) == line


class TestAFailingOnboardingLink:
    def test_is_not_written_to_the_log(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, written: StringIO) -> None:
        account_id = tenant.create_seller(onboarded=False)
        url = tenant.post("/connected-accounts/onboarding", {"account_id": account_id}).json()["links"]["onboarding_url"]
        path = url.removeprefix("http://127.0.0.1:8000")
        with stripe_fails(monkeypatch, refuse_connection, path="/account_links"):
            assert tenant.client.get(path).status_code == 503
        assert "Service Unavailable: /onboarding/[hidden]" in written.getvalue()
        assert path.rsplit("/", 1)[-1] not in written.getvalue()
