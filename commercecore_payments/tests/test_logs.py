"""Log lines: what they hold, and the secrets that they do not."""

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from gunicorn.config import Config
from structlog.contextvars import bind_contextvars, clear_contextvars

from commercecore_payments.access_log import HidingLogger
from commercecore_payments.log_format import FORMATS, JSON, LINE
from commercecore_payments.log_lines import LogFormatter, logger_named
from commercecore_payments.logs import SECRET_KEYS, passes_luhn, without_secrets, without_secrets_within
from commercecore_payments.middleware import request_id
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
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
    "4242424242424242",
    "4000 0566 5566 5556",
    "3782-822463-10005",
    "6011000990139424",
]
NO_SECRETS = [
    "operation op_8wjXxMCiRZJQcnwYenBjBpja payment_intent.create: succeeded (Stripe req_TGE2iWmVKwd13r)",
    "4242424242424241",  # the check digit is wrong
    "1764454465123",  # milliseconds since 1970
    "pi_4242424242424242",
    "42424242-4242-4242-4242-424242424242",
    "took 2500000000 bytes",
]
# Every logger whose lines the service writes: ours, Django's, the SDK's, and one of a library that nobody has thought of.
LOGGERS = ["gateway.operations", "django.request", "django.server", "stripe", "urllib3.connectionpool"]


@pytest.fixture
def console() -> Iterator[logging.StreamHandler[Any]]:
    """The service's own handler, whose lines are text in memory meanwhile."""
    [handler] = [one for one in logging.getLogger().handlers if isinstance(one.formatter, LogFormatter)]
    assert isinstance(handler, logging.StreamHandler)
    usual, formatter = handler.setStream(StringIO()), handler.formatter
    clear_contextvars()
    yield handler
    handler.setStream(usual)
    handler.setFormatter(formatter)
    clear_contextvars()


@pytest.fixture
def written(console: logging.StreamHandler[Any]) -> StringIO:
    """What is written meanwhile, as JSON."""
    console.setFormatter(LogFormatter(JSON))
    text: StringIO = console.stream
    return text


@pytest.fixture
def lines(console: logging.StreamHandler[Any]) -> StringIO:
    """The same, for a terminal."""
    console.setFormatter(LogFormatter(LINE))
    text: StringIO = console.stream
    return text


def told(written: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


class TestALogLine:
    @pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
    def test_hides_a_secret_of_any_shape_wherever_it_is(self, written: StringIO, secret: str) -> None:
        for name in LOGGERS:
            log = logging.getLogger(name)
            log.warning("token %s, and more", secret)
            log.warning({"text": [{"deep": (f"x {secret}", secret)}]})
            try:
                raise ValueError(f"no such key: {secret}")
            except ValueError as error:
                log.exception("failed: %s", error)
                log.error("failed", exc_info=error, stack_info=True)
        logger_named("ours").info("told", text=secret, nested={secret: [secret, {"x": secret}]}, error=ValueError(secret))
        bind_contextvars(path=f"/{secret}/x")
        logging.getLogger("after").info("in a context")
        text = written.getvalue()
        assert secret not in text
        assert secret not in text.replace("\\n", "\n")
        assert text.count("[hidden]") >= 5 * len(LOGGERS) + 4
        assert {line["logger"] for line in told(written)} == {*LOGGERS, "ours", "after"}

    @pytest.mark.parametrize(
        "key",
        """
        Authorization X-Developer-Token client_secret secret password HTTP_COOKIE token developer_token access_token refresh_token
        csrfmiddlewaretoken sessionid card card_number number cvc cvv
        """.split(),
    )
    def test_hides_what_stands_under_the_key_of_a_secret(self, written: StringIO, key: str) -> None:
        logger_named("ours").info("told", **{key: "hunter2"}, headers={"Accept": "x", key: ["hunter2"]})
        [line] = told(written)
        assert (line[key], line["headers"]) == ("[hidden]", {"Accept": "x", key: "[hidden]"})
        assert key.lower().replace("-", "_") in SECRET_KEYS

    @pytest.mark.parametrize("several", [list, tuple])
    def test_hides_it_in_one_of_several_too(self, several: type[list[Any]] | type[tuple[Any, ...]]) -> None:
        assert without_secrets_within(several([{"password": "hunter2"}, 1])) == [{"password": "[hidden]"}, 1]

    def test_hides_a_card_number_that_is_a_number(self) -> None:
        assert without_secrets_within({"a": 4242424242424242, "b": 4242, "c": True, "d": None, "e": 1.5}) == {
            "a": "[hidden]",
            "b": 4242,
            "c": True,
            "d": None,
            "e": 1.5,
        }

    @pytest.mark.parametrize("path", ["/onboarding/", "/sandbox/express/", "/sandbox/connect/setup/e/", "/sandbox/3d-secure/"])
    def test_hides_the_secret_part_of_an_address(self, path: str) -> None:
        assert without_secrets(f"Gone: {path}acct_1%00/1.abc-DEF:ghi/done?x=1") == f"Gone: {path}[hidden]?x=1"

    @pytest.mark.parametrize("text", NO_SECRETS)
    def test_keeps_what_is_no_secret(self, text: str) -> None:
        assert without_secrets(text) == text

    def test_tells_when_how_bad_and_by_whom(self, written: StringIO) -> None:
        logging.getLogger("gateway.operations").warning("operation %s: %s", "op_1", "unknown")
        [line] = told(written)
        assert list(line) == ["timestamp", "level", "logger", "event"]
        assert line.pop("timestamp").endswith("Z")
        assert line == {"level": "warning", "logger": "gateway.operations", "event": "operation op_1: unknown"}

    @pytest.mark.parametrize("style", FORMATS)
    def test_that_does_not_fit_its_arguments_is_told_without_them(self, style: str) -> None:
        misfit = logging.LogRecord(
            "x", 40, "x.py", 1, "a %d of sk_test_51PwVFgRoSQz2jDze", ("whsec_MfKQ9r8GKYqrTwj plain",), None
        )
        line = LogFormatter(style).format(misfit)
        assert "A log line could not be made: 'a %d of [hidden]'" in line
        assert "whsec" not in line
        assert "plain" not in line


# Line breaks of every kind, an escape sequence, and a letter that turns the direction of reading.
INJECTED = 'x\n2026-11-29T22:15:10Z info gateway.operations forged\r\x0b\x0c\x1b[2J\u2028\u202e"}{"event":"forged"'


class TestALineBreakInAText:
    @pytest.mark.parametrize("style", FORMATS)
    def test_begins_no_line(self, console: logging.StreamHandler[Any], style: str) -> None:
        console.setFormatter(LogFormatter(style))
        logging.getLogger("x").warning("%s", INJECTED)
        logger_named("x").info("told", text=INJECTED, nested=[INJECTED])
        written: str = console.stream.getvalue()
        assert written.count("\n") == 2
        assert len(written.splitlines()) == 2
        assert all(letter.isprintable() for line in written.splitlines() for letter in line)

    def test_of_an_error_is_indented_at_a_terminal(self, lines: StringIO) -> None:
        try:
            raise ValueError(INJECTED)
        except ValueError:
            logging.getLogger("x").exception("failed")
        first, *rest = lines.getvalue().removesuffix("\n").split("\n")
        assert first.endswith("Z error x failed")
        assert all(line.startswith("    ") for line in rest)
        assert all(letter.isprintable() for line in rest for letter in line)
        assert rest[0] == "    Traceback (most recent call last):"


class TestTheLinesOfARequest:
    def test_name_it_and_whoever_asks_and_tell_how_it_ended(self, tenant: Tenant, seller: str, written: StringIO) -> None:
        response = tenant.post(
            "/transactions", {"order_id": "1", "account_id": seller, "amount": "1000"}, **{"X-Request-ID": "checkout-7"}
        )
        sent, finished = [line for line in told(written) if line["logger"] != "django.request"]
        operation = Operation.objects.get(request_id="checkout-7")
        known = {
            "request_id": "checkout-7",
            "method": "POST",
            "path": "/api/v1/transactions",
            "developer_id": tenant.developer.pk,
            "app_id": tenant.app.pk,
            "operation_id": operation.pk,
        }
        assert response.status_code == 201
        assert sent["event"].startswith(f"operation {operation.pk} payment_intent.create: succeeded")
        assert {key: sent[key] for key in known} == {key: finished[key] for key in known} == known
        assert (finished["event"], finished["status"], finished["duration_ms"] > 0) == ("request finished", 201, True)

    def test_forget_the_request_before(self, tenant: Tenant, written: StringIO) -> None:
        tenant.get("/connected-accounts")
        tenant.client.get("/api/v1/nothing")
        finished = [line for line in told(written) if line["event"] == "request finished"]
        assert ["developer_id" in line for line in finished] == [True, False]
        [refused] = [line for line in told(written) if line["logger"] == "django.request"]
        assert refused["request_id"] == finished[-1]["request_id"]

    def test_hold_no_onboarding_link_that_fails(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, written: StringIO) -> None:
        account_id = tenant.create_seller(onboarded=False)
        url = tenant.post("/connected-accounts/onboarding", {"account_id": account_id}).json()["links"]["onboarding_url"]
        path = url.removeprefix("http://127.0.0.1:8000")
        with stripe_fails(monkeypatch, refuse_connection, path="/account_links"):
            assert tenant.client.get(path).status_code == 503
        last = told(written)[-1]
        assert (last["event"], last["path"]) == ("Service Unavailable: /onboarding/[hidden]", "/onboarding/[hidden]")
        assert path.rsplit("/", 1)[-1] not in written.getvalue()

    def test_tell_of_one_that_broke_off(self, written: StringIO) -> None:
        def broken(request: HttpRequest) -> HttpResponse:
            return HttpResponse(status=500)

        request_id(broken)(RequestFactory().get("/x?token=cct_sandbox_abc"))
        [line] = told(written)
        assert (line["status"], line["path"]) == (500, "/x")


MANY_FIELDS = "&".join(f"field{number}=" for number in range(1001))
FORM = "application/x-www-form-urlencoded"
# What any stranger can send, and the logger and the text by which it is told.
REFUSED_REQUESTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown host": (
        {"HTTP_HOST": "evil.example"},
        "django.security.DisallowedHost",
        "Invalid HTTP_HOST header: 'evil.example'. You may need to add 'evil.example' to ALLOWED_HOSTS.",
    ),
    "a host of 8000 letters": (
        {"HTTP_HOST": "x" * 8000},
        "django.security.DisallowedHost",
        f"Invalid HTTP_HOST header: '{'x' * 172}…",
    ),
    "a form that is too large": (
        {"method": "POST", "data": b"a=" + b"x" * 1_048_576, "content_type": FORM},
        "django.security.RequestDataTooBig",
        "Request body exceeded settings.DATA_UPLOAD_MAX_MEMORY_SIZE.",
    ),
    "a form with too many fields": (
        {"method": "POST", "data": MANY_FIELDS.encode(), "content_type": FORM},
        "django.security.TooManyFieldsSent",
        "The number of GET/POST parameters exceeded settings.DATA_UPLOAD_MAX_NUMBER_FIELDS.",
    ),
    "a form with too many files": (
        {
            "method": "POST",
            "data": b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\r\n' * 101 + b"--x--",
            "content_type": "multipart/form-data; boundary=x",
        },
        "django.security.TooManyFilesSent",
        "The number of files exceeded settings.DATA_UPLOAD_MAX_NUMBER_FILES.",
    ),
    "a form that is none": (
        {"method": "POST", "data": b"nothing", "content_type": "multipart/form-data; boundary="},
        "django.request",
        "Bad request (Unable to parse request body): /admin/login/",
    ),
}


@pytest.mark.django_db
class TestARequestThatDjangoRefuses:
    @pytest.mark.parametrize("kind", REFUSED_REQUESTS)
    def test_is_answered_with_400_and_told_in_one_short_warning(self, kind: str, written: StringIO) -> None:
        sent, logger, text = REFUSED_REQUESTS[kind]
        answer = Client().generic(**{"method": "GET", "path": "/admin/login/", **sent})
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (400, b"Bad request.", "text/plain")
        refused, finished = told(written)
        assert {name: refused.get(name) for name in ("level", "logger", "event", "path", "exception")} == {
            "level": "warning",
            "logger": logger,
            "event": text,
            "path": "/admin/login/",
            "exception": None,
        }
        assert (finished["event"], finished["status"]) == ("request finished", 400)

    def test_is_answered_in_the_one_error_shape_below_the_api(self, written: StringIO) -> None:
        for path in ("/api", "/api/v1/transactions"):
            answer = Client().get(path, headers={"host": "evil.example", "x-request-id": "stranger-1"})
            assert (answer.status_code, answer.json()) == (
                400,
                {
                    "detail": "Bad request.",
                    "error": "Bad Request",
                    "meta": {
                        "success": False,
                        "status_code": 400,
                        "request_method": "GET",
                        "request_path": f"http://127.0.0.1:8000{path}",
                        "request_id": "stranger-1",
                    },
                    "details": {"message": "Bad request.", "code": "bad_request", "fields": {}},
                },
            )
        assert "Traceback" not in written.getvalue()

    def test_has_no_half_of_a_secret_in_the_line_that_is_cut(self, written: StringIO) -> None:
        Client().get("/", headers={"host": f"{'x' * 160}.4242424242424242"})
        assert told(written)[0]["event"] == f"Invalid HTTP_HOST header: '{'x' * 160}.[hidden]'. …"

    def test_is_not_what_failed_by_our_own_fault(self, written: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken() -> str:
            raise RuntimeError("ours")

        monkeypatch.setattr("commercecore_payments.views.naive_utc_text", broken)
        assert Client(raise_request_exception=False).get("/api/v1").status_code == 500
        [failed] = [line for line in told(written) if line["logger"] == "django.request"]
        assert (failed["level"], "RuntimeError: ours" in failed["exception"]) == ("error", True)


class TestGunicornsLogs:
    def test_have_the_same_form_and_no_secrets(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("LOG_FORMAT", "json")
        config = Config()
        config.set("accesslog", "-")
        logger = HidingLogger(config)
        for handler, stream in ((logger.error_log.handlers[-1], sys.stderr), (logger.access_log.handlers[-1], sys.stdout)):
            handler.setStream(stream)
        logger.warning("Invalid request: %s", "GET /?x=whsec_MfKQ9r8GKYqrTwjUPD8ILPZ\nforged")
        environ = {
            "REQUEST_METHOD": "GET",
            "RAW_URI": "/onboarding/1.abc-DEF:ghi",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_USER_AGENT": "sk_test_51PwVFgRoSQz2jDze",
        }
        answer = SimpleNamespace(status="200 OK", sent=5, headers=[])
        logger.access(answer, SimpleNamespace(headers=[]), environ, SimpleNamespace(seconds=0, microseconds=5))
        written = capsys.readouterr()
        [refused], [accessed] = written.err.splitlines(), written.out.splitlines()
        assert json.loads(refused)["event"] == "Invalid request: GET /?x=[hidden]\nforged"
        assert '"GET /onboarding/[hidden] HTTP/1.1" 200 5 "-" "[hidden]"' in json.loads(accessed)["event"]

    @pytest.mark.parametrize(
        ("variables", "style"),
        [({}, LINE), ({"STRIPE_SECRET_KEY": "sk_test_1"}, JSON), ({"STRIPE_SECRET_KEY_FILE": "key"}, JSON),
         ({"STRIPE_SECRET_KEY": "sk_test_1", "DEBUG": "true"}, LINE),
         ({"STRIPE_SECRET_KEY": "sk_test_1", "LOG_FORMAT": "line"}, LINE),
         ({"LOG_FORMAT": "json"}, JSON)],
    )  # fmt: skip
    def test_have_the_form_of_the_services_own_however_it_is_set(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], style: str
    ) -> None:
        for name in ("STRIPE_SANDBOX", "STRIPE_SECRET_KEY", "DEBUG", "LOG_FORMAT"):
            monkeypatch.delenv(name, raising=False)
        (tmp_path / "key").write_text("sk_test_1")
        for name, value in variables.items():
            monkeypatch.setenv(name, str(tmp_path / value) if name.endswith("_FILE") else value)
        handler = HidingLogger(Config()).error_log.handlers[-1]
        record = logging.LogRecord("gunicorn.error", logging.WARNING, "x.py", 1, "told", (), None)
        assert handler.format(record).startswith("{") is (style == JSON)


class TestTheCheckDigit:
    def test_is_that_of_luhn(self) -> None:
        numbers = [f"424242424242424{digit}" for digit in range(10)]
        assert [number for number in numbers if passes_luhn(number)] == ["4242424242424242"]
