"""docs/examples/retrying.py, at a service that answers what is hardest to take."""

import runpy
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from commercecore_payments.tests.service import PROJECT_DIR

EXAMPLE: Path = PROJECT_DIR / "docs" / "examples" / "retrying.py"
PAID = (200, b'{"data": {"status": "succeeded"}}', 0)
# A status, a body, and how many bytes of it are missing at its end.
Answer = tuple[int, bytes, int]


class Service(BaseHTTPRequestHandler):
    """Answers what the test has laid down, one after the other, and keeps the keys that it was asked under."""

    answers: list[Answer]
    keys: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["Idempotency-Key"])
        status, body, missing = self.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body[: len(body) - missing])

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Service]]:
    Service.answers, Service.keys = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    known = {"DEVELOPER_TOKEN": "cct_sandbox_1", "APP_ID": "ap_1", "USER_ID": "usr_1"}
    for name, value in {**known, "API": f"http://127.0.0.1:{server.server_port}"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SANDBOX_FAULT", raising=False)
    yield Service
    server.shutdown()
    server.server_close()


class TestTheExampleThatRetries:
    @pytest.mark.parametrize(
        "unsure",
        [
            (503, b'{"details": {"code": "outcome_unknown"}}', 0),
            (429, b'{"details": {"code": "rate_limited"}}', 0),
            (409, b'{"details": {"code": "idempotency_key_in_use"}}', 0),
            (504, b"<html>The proxy gave up.</html>", 0),
            (200, b'{"data": {"status": "succeeded"}}', 5),
        ],
        ids=["an unknown outcome", "too many requests", "a key in use", "a page of a proxy", "half an answer"],
    )
    def test_asks_again_under_the_same_key_until_the_outcome_is_known(self, service: type[Service], unsure: Answer) -> None:
        service.answers = [unsure, PAID]
        names = runpy.run_path(str(EXAMPLE))
        names["send"].__globals__["WAITS_S"] = (0, 0)
        assert names["send"]("/transactions/confirm", "confirm-1", {}) == (200, {"data": {"status": "succeeded"}})
        assert service.keys == ["confirm-1", "confirm-1"]

    def test_takes_a_decline_as_final(self, service: type[Service]) -> None:
        service.answers = [(402, b'{"details": {"code": "card_declined"}}', 0)]
        answer = runpy.run_path(str(EXAMPLE))["send"]("/transactions/confirm", "confirm-1", {})
        assert answer == (402, {"details": {"code": "card_declined"}})
