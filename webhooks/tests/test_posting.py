"""Posting to a receiver: what is sent, what is read of the answer, and that neither silence nor dripping holds it up."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import time_machine
from pytest_django import Settings

from webhooks.posting import NoAnswerInTime, NotDelivered, open_session, post
from webhooks.tests.receivers import Scripted, receiving

# Seconds that a busy machine may add to a limit.
SLACK_S = 6.0

Converse = Callable[[socket.socket], None]


@contextmanager
def talking(converse: Converse) -> Iterator[str]:
    """The address of a receiver that takes one connection and does with it what it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                with server.accept()[0] as connected:
                    connected.recv(65536)
                    converse(connected)
            except OSError:
                return  # it was cut, which is what these tests are about

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    thread.join(SLACK_S)


def saying(said: bytes) -> Converse:
    return lambda connected: connected.sendall(said)


def dripping(beginning: bytes, drop: bytes) -> Converse:
    """Says something each tenth of a second, for longer than any test waits."""

    def drip(connected: socket.socket) -> None:
        connected.sendall(beginning)
        for _ in range(100):
            connected.sendall(drop)
            time.sleep(0.1)

    return drip


def duration_of(attempt: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(NoAnswerInTime):
        attempt()
    return time.monotonic() - started


@contextmanager
def within_its_second() -> Iterator[None]:
    """What is done inside ends soon after the second that it is given."""
    started = time.monotonic()
    yield
    assert 1 <= time.monotonic() - started < 1 + SLACK_S


class TestAPost:
    def test_sends_the_body_to_the_letter_and_nothing_of_its_own(self) -> None:
        with receiving() as receiver:
            answer = post(receiver.url, body='{"a": "✓"}', headers={"webhook-id": "msg_1"})
        assert (answer.http_status, answer.text, answer.retry_after_s) == (200, "ok", None)
        assert receiver.bodies == ['{"a": "✓"}']
        assert dict(receiver.headers[0]) == {
            "Host": receiver.url.split("/")[2],
            "User-Agent": "CommerceCore-Webhooks/1.0",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "webhook-id": "msg_1",
            "Content-Length": "12",
        }

    def test_keeps_the_connection_of_its_session(self) -> None:
        with receiving() as receiver, open_session() as session:
            for _ in range(3):
                assert post(receiver.url, body="{}", headers={}, session=session).http_status == 200
        assert (len(receiver.bodies), receiver.connections) == (3, 1)

    def test_takes_no_proxy_password_or_certificate_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        netrc = tmp_path_factory.mktemp("home") / "netrc"
        netrc.write_text("machine 127.0.0.1 login anna password secret\n")
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/")
        monkeypatch.setenv("NETRC", str(netrc))
        with receiving() as receiver:
            assert post(receiver.url, body="{}", headers={}).http_status == 200
        assert "Authorization" not in receiver.headers[0]

    def test_brings_no_cookie_back(self) -> None:
        with receiving(Scripted(headers={"Set-Cookie": "seen=1"})) as receiver, open_session() as session:
            for _ in range(2):
                post(receiver.url, body="{}", headers={}, session=session)
        assert "Cookie" not in receiver.headers[1]

    @pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\r"])
    def test_refuses_a_header_that_would_be_two(self, value: str) -> None:
        with receiving() as receiver, pytest.raises(NotDelivered, match="InvalidHeader"):
            post(receiver.url, body="{}", headers={"webhook-id": value})
        assert receiver.bodies == []


class TestAnAnswer:
    def test_is_read_up_to_64_kb(self) -> None:
        with receiving(Scripted(text=b"x" * 1_000_000)) as receiver:
            assert len(post(receiver.url, body="{}", headers={}).text) == 65_536

    def test_without_an_end_is_read_up_to_64_kb(self) -> None:
        endless = dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100_000)
        with talking(endless) as url:
            answer = post(url, body="{}", headers={}, timeout_s=5)
        assert (answer.http_status, len(answer.text)) == (200, 65_536)

    def test_is_not_unpacked(self) -> None:
        packed = b"\x1f\x8b" + b"\x01" * 20
        with receiving(Scripted(text=packed, headers={"Content-Encoding": "gzip"})) as receiver:
            assert post(receiver.url, body="{}", headers={}).text[:2] == "��"

    def test_holds_nothing_that_a_database_refuses(self) -> None:
        with receiving(Scripted(text=b"a\x00b\xff\xed\xa0\x80\x1b[31m\tc\n")) as receiver:
            assert post(receiver.url, body="{}", headers={}).text == "a�b�����[31m\tc\n"

    @pytest.mark.parametrize(
        "said", [b"", b"\x00\x01 nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200]
    )
    def test_that_is_none_is_told(self, said: bytes) -> None:
        with talking(saying(said)) as url, pytest.raises(NotDelivered) as failed:
            post(url, body="{}", headers={}, timeout_s=5)
        assert str(failed.value).isprintable()

    @pytest.mark.parametrize("status", [201, 204, 302, 400, 404, 410, 429, 500, 503, 599])
    def test_tells_its_status(self, status: int) -> None:
        with receiving(Scripted(status, text=b"")) as receiver:
            assert post(receiver.url, body="{}", headers={}).http_status == status

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("120", 120), ("0", 0), (" 7 ", 7), ("99999999", 86_400), ("9" * 5000, 86_400),
            ("Tue, 01 Dec 2026 12:02:00 GMT", 120), ("Tue, 01 Dec 2026 12:01:00 -0000", 60),
            ("Tue, 01 Dec 2026 11:00:00 GMT", 0), ("Tue, 01 Dec 2027 12:00:00 GMT", 86_400),
            ("soon", None), ("-5", None), ("1.5", None), ("", None), ("²", None), ("Tue, 99 Dec 2026 12:00:00 GMT", None),
        ],
    )  # fmt: skip
    def test_tells_when_to_come_back(self, header: str, seconds: int | None) -> None:
        with (
            time_machine.travel("2026-12-01T12:00:00Z", tick=False),
            receiving(Scripted(429, headers={"Retry-After": header})) as one,
        ):
            assert post(one.url, body="{}", headers={}).retry_after_s == seconds


class TestAReceiverThatTakesItsTime:
    def test_and_says_nothing_is_left(self) -> None:
        with talking(lambda connected: time.sleep(SLACK_S)) as url:
            assert duration_of(lambda: post(url, body="{}", headers={}, timeout_s=0.5)) < 0.5 + SLACK_S / 2

    @pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nX-Long: "])
    def test_and_drips_its_headers_is_cut(self, beginning: bytes) -> None:
        with (
            talking(dripping(beginning, b"H")) as url,
            within_its_second(),
            pytest.raises(NoAnswerInTime, match="no answer within 1 seconds"),
        ):
            post(url, body="{}", headers={}, timeout_s=1)

    def test_and_says_again_and_again_that_it_goes_on_is_cut(self) -> None:
        with talking(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n")) as url:
            assert 1 <= duration_of(lambda: post(url, body="{}", headers={}, timeout_s=1)) < 1 + SLACK_S

    @pytest.mark.parametrize(
        "head",
        [
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ],
    )
    def test_and_drips_the_rest_has_answered(self, head: bytes) -> None:
        with talking(dripping(head, b"1")) as url:
            started = time.monotonic()
            assert post(url, body="{}", headers={}, timeout_s=1).http_status == 200
        assert time.monotonic() - started < 1 + SLACK_S

    def test_for_the_handshake_is_left(self) -> None:
        with talking(lambda connected: time.sleep(SLACK_S)) as url:
            https = url.replace("http:", "https:")
            assert duration_of(lambda: post(https, body="{}", headers={}, timeout_s=8)) < 5  # a step has a fifth of it

    def test_to_be_found_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **named: time.sleep(SLACK_S))
        assert duration_of(lambda: post("http://slow.example.com/", body="{}", headers={}, timeout_s=1)) < SLACK_S

    def test_leaves_no_thread_and_no_socket_behind(self) -> None:
        before = threading.active_count()
        with talking(dripping(b"", b"H")) as url, pytest.raises(NotDelivered):
            post(url, body="{}", headers={}, timeout_s=0.5)
        assert threading.active_count() <= before


class TestTLS:
    def test_is_demanded_of_the_name_in_the_address(self, settings: Settings, tls_of_another_name: str) -> None:
        with pytest.raises(NotDelivered, match="SSLCertVerificationError"):
            post(tls_of_another_name, body="{}", headers={})


@pytest.fixture
def tls_of_another_name(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A receiver whose certificate is for another name, and by nobody whom we trust."""
    from webhooks.tests.certificates import self_signed

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed("other.example.com", tmp_path_factory.mktemp("tls")))

    def converse(connected: socket.socket) -> None:
        with context.wrap_socket(connected, server_side=True) as secured:
            secured.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: _quietly(converse, server), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/"


def _quietly(converse: Converse, server: socket.socket) -> None:
    try:
        converse(server.accept()[0])
    except OSError:
        return  # the client has refused the certificate
