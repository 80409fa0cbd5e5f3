"""The product's own wire to Stripe, at real sockets: what it sends, and what its failures stand for."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import stripe
import urllib3.util.connection
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from commercecore_payments.clock import now
from commercecore_payments.tests.service import free_port
from gateway.models import Status
from gateway.outcomes import status_of_error
from gateway.transport import PooledClient, proxy_for

OK = b'HTTP/1.1 200 OK\r\nRequest-Id: req_1\r\nContent-Length: 27\r\n\r\n{"id": "cus_1", "object":1}'
MOVED = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
CUT_SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"
ASKS_FOR_A_PASSWORD = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
CLOSE = b""
SILENCE = None
# Seconds. The silence lasts as long as the client waits.
SHORT = 0.3


class Server:
    """Answers the requests of each connection in turn with what it is given, and keeps what was sent."""

    def __init__(self, *answers: bytes | None, wrap: Callable[[socket.socket], socket.socket] = lambda found: found) -> None:
        self._answers, self._wrap = answers, wrap
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        left = list(self._answers)
        while left:
            try:
                accepted, _ = self._listening.accept()
                self.connections += 1
                with self._wrap(accepted) as found:
                    self._answer(found, left)
            except OSError:
                return

    def _answer(self, found: socket.socket, left: list[bytes | None]) -> None:
        while left and (asked := _read_request(found)):
            self.requests.append(asked)
            answer = left.pop(0)
            if answer is SILENCE:
                found.recv(1)  # until the client gives up
                return
            if not answer:
                return
            found.sendall(answer)
            if answer == CUT_SHORT:
                return

    def close(self) -> None:
        self._listening.close()


def _read_request(found: socket.socket) -> bytes:
    """A whole request; nothing where the client has closed the connection."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        received = found.recv(65536)
        if not received:
            return b""
        asked += received
    head, _, body = asked.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length is not None and len(body) < int(length[1]):
        body += found.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(*answers: bytes | None, **options: Callable[[socket.socket], socket.socket]) -> Iterator[Server]:
    server = Server(*answers, **options)
    try:
        yield server
    finally:
        server.close()


def client(address: str) -> stripe.StripeClient:
    transport = PooledClient(address=address, connect_timeout_s=SHORT, read_timeout_s=SHORT)
    return stripe.StripeClient("sk_test_x", http_client=transport, base_addresses={"api": address}, max_network_retries=0)


def failure(at: stripe.StripeClient) -> stripe.APIConnectionError:
    with pytest.raises(stripe.APIConnectionError) as failed:
        at.v1.customers.create({"email": "a@example.com"})
    return failed.value


def outcome(at: stripe.StripeClient) -> Status:
    return status_of_error(failure(at), was_sent_before=False)


class TestAnAnswer:
    def test_is_read_whole_and_its_connection_is_used_again(self) -> None:
        with serving(OK, OK) as server:
            at = client(f"http://127.0.0.1:{server.port}")
            for _ in range(2):
                made = at.v1.customers.create({"email": "ü@example.com"}, {"idempotency_key": "op_1"})
                assert made.last_response is not None
                assert (made.id, made.last_response.request_id, made.last_response.code) == ("cus_1", "req_1", 200)
        assert server.connections == 1
        assert server.requests[0].startswith(b"POST /v1/customers HTTP/1.1\r\n")
        assert b"\r\nIdempotency-Key: op_1\r\n" in server.requests[0]
        assert server.requests[0].endswith(b"\r\n\r\nemail=%C3%BC%40example.com")
        assert server.requests[0] == server.requests[1]

    def test_that_leads_elsewhere_is_not_followed(self) -> None:
        with serving(MOVED, OK) as server:
            with pytest.raises(stripe.APIError) as refused:
                client(f"http://127.0.0.1:{server.port}").v1.customers.create()
            assert refused.value.http_status == 302
        assert len(server.requests) == 1


class TestACallWithoutAnAnswer:
    def test_was_not_sent_where_nobody_listens(self) -> None:
        assert outcome(client(f"http://127.0.0.1:{free_port()}")) == Status.NOT_SENT

    def test_was_not_sent_where_the_name_is_unknown(self) -> None:
        assert outcome(client("http://stripe.invalid")) == Status.NOT_SENT

    def test_was_not_sent_where_the_connection_took_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def time_out(*address: object, **options: object) -> None:
            raise TimeoutError("timed out")

        monkeypatch.setattr(urllib3.util.connection, "create_connection", time_out)
        assert outcome(client("https://127.0.0.1:1")) == Status.NOT_SENT

    @pytest.mark.parametrize("answer", [CLOSE, SILENCE, CUT_SHORT], ids=["closed", "silent", "cut short"])
    def test_is_unknown_once_it_was_sent(self, answer: bytes | None) -> None:
        with serving(answer) as server:
            assert outcome(client(f"http://127.0.0.1:{server.port}")) == Status.UNKNOWN
            assert len(server.requests) == 1

    @pytest.mark.parametrize("answer", [CLOSE, SILENCE], ids=["closed", "silent"])
    def test_is_unknown_on_a_connection_that_served_before(self, answer: bytes | None) -> None:
        with serving(OK, answer) as server:
            at = client(f"http://127.0.0.1:{server.port}")
            assert at.v1.customers.create().id == "cus_1"
            assert outcome(at) == Status.UNKNOWN
            assert (len(server.requests), server.connections) == (2, 1)  # and it was not sent again

    def test_tells_its_cause(self) -> None:
        with serving(CLOSE) as server:
            error = failure(client(f"http://127.0.0.1:{server.port}"))
        assert "Unexpected error communicating with Stripe." in str(error)
        assert "RemoteDisconnected" in str(error)


class TestACertificate:
    def test_that_nobody_vouches_for_is_refused_before_anything_is_told(self, tmp_path: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed(tmp_path))
        with serving(OK, wrap=lambda found: context.wrap_socket(found, server_side=True)) as server:
            error = failure(client(f"https://127.0.0.1:{server.port}"))
        assert "CERTIFICATE_VERIFY_FAILED" in str(error)
        assert server.requests == []
        assert status_of_error(error, was_sent_before=False) == Status.UNKNOWN


class TestAProxy:
    def test_is_the_environments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert proxy_for("https://api.stripe.com") is None
        for named in ("http://proxy:3128", "proxy:3128"):
            monkeypatch.setenv("HTTPS_PROXY", named)
            assert proxy_for("https://api.stripe.com") == "http://proxy:3128"
        monkeypatch.setenv("NO_PROXY", "example.com,.stripe.com")
        assert proxy_for("https://api.stripe.com") is None

    def test_that_is_away_leaves_nothing_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv("NO_PROXY", "")
        assert outcome(client("https://stripe.invalid")) == Status.NOT_SENT

    @pytest.mark.parametrize(
        ("user", "told"),
        [("", b""), ("shop:p%40ss@", b"proxy-authorization: Basic c2hvcDpwQHNz\r\n")],
        ids=["nobody", "shop:p@ss"],
    )
    def test_is_told_who_asks_as_its_address_says(self, monkeypatch: pytest.MonkeyPatch, user: str, told: bytes) -> None:
        with serving(ASKS_FOR_A_PASSWORD) as server:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{user}127.0.0.1:{server.port}")
            monkeypatch.setenv("NO_PROXY", "")
            outcome(client("https://stripe.invalid"))
        head, _, rest = server.requests[0].partition(b"\r\n")
        assert (head, rest) == (b"CONNECT stripe.invalid:443 HTTP/1.0", told + b"\r\n")

    def test_that_refuses_is_unknown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(ASKS_FOR_A_PASSWORD) as server:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
            monkeypatch.setenv("NO_PROXY", "")
            assert outcome(client("https://stripe.invalid")) == Status.UNKNOWN
        assert server.requests[0].startswith(b"CONNECT stripe.invalid:443 ")


def self_signed(folder: Path) -> Path:
    """A certificate for this machine, with its key, that no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(hours=1))
        .not_valid_after(now() + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
