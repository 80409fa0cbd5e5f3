"""Addresses that lead somewhere else than to a public receiver: not one connection is opened to any of them."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from webhooks import posting
from webhooks.addresses import refuse_address
from webhooks.errors import AddressNotAllowed
from webhooks.models import MAX_URL_LENGTH
from webhooks.tests.receivers import Scripted, receiving

PUBLIC = "93.184.215.14"
# Refused as they stand, in the sandbox too.
HOSTILE = (
    # Other ways to write 127.0.0.1, 0.0.0.0 and 169.254.169.254
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://017700000001/", "https://0177.0.0.1/",
    "https://127.1/", "https://127.0.1/", "https://0/", "https://2852039166/", "https://0xA9FEA9FE/", "https://127.0.0.0x1/",
    "https://0251.0376.0251.0376/", "https://127.0.0.1./", "https://1.2.3/", "https://256.256.256.256/", "https://4294967297/",
    # IPv4 that is not public
    "https://0.0.0.0/", "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/",
    "https://100.64.0.1/", "https://100.100.100.200/", "https://192.0.0.1/", "https://192.0.0.192/", "https://192.0.2.1/",
    "https://198.18.0.1/", "https://198.51.100.1/", "https://203.0.113.1/", "https://192.88.99.1/", "https://224.0.0.1/",
    "https://239.255.255.250/", "https://240.0.0.1/", "https://255.255.255.255/", "https://0.1.2.3/",
    # IPv6 that is not public, and the forms that hide an IPv4 address
    "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:10.0.0.1]/", "https://[::ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/", "https://[::a9fe:a9fe]/", "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/", "https://[2002:a9fe:a9fe::1]/", "https://[2001:0:7f00:1::]/", "https://[2001:20::1]/",
    "https://[2001:db8::1]/", "https://[3fff::1]/", "https://[5f00::1]/", "https://[100::1]/", "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/", "https://[2606:4700::1%25eth0]/", "https://[fec0::1]/", "https://[fc00::1]/",
    "https://[fd00:ec2::254]/", "https://[ff02::1]/", "https://[::ffff:0:127.0.0.1]/", "https://[4000::1]/", "https://[::1/",
    "https://[v1.fe80::a+en1]/",
    # Letters that are another character's
    "https://①②⑦.⓪.⓪.①/", "https://１２７.０.０.１/", "https://127。0。0。1/", "https://ｌｏｃａｌｈｏｓｔ/", "https://exa\u00admple.com/",
    "https://example.com\uff0f@127.0.0.1/", "https://münchen.example/", "https://٠.٠.٠.٠/", "https://K8s.example\u2100/",
    # What two parsers read differently
    "https://user:secret@example.com/", "https://user@127.0.0.1/", "https://example.com@127.0.0.1/", "https://@127.0.0.1/",
    "https://example.com:443@127.0.0.1/", "https://example.com\\@127.0.0.1/", "https:\\\\127.0.0.1\\", "https://127.0.0.1\\.example.com/",
    "https://example.com%40127.0.0.1/", "https://127.0.0.1%2eexample.com/", "https://example.com /", " https://example.com/",
    "https://exam\tple.com/", "https://example.com/\r\nHost: 127.0.0.1", "https://example.com\r\n/", "https://example.com/\n",
    "https://example.com/\x00", "https://ex\x00ample.com/", "https://example.com\u00a0/", "https://127.0.0.1#@example.com\\",
    # No host, or none that could be one
    "https://", "https:///etc/passwd", "https:127.0.0.1", "//example.com/", "example.com", "", "https://?", "https://./",
    "https://a..b/", "https://.localhost/", "https://-a-.example/", "https://example.com./", "https://localhost./",
    f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/", f"https://example.com/{'a' * MAX_URL_LENGTH}",
    # Other schemes and ports
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com:70/_", "javascript:alert(1)", "data:,x", "ldap://example.com/",
    "dict://example.com:11211/stat", "unix:///var/run/docker.sock", "ws://example.com/", "http+unix://%2Fvar%2Frun/",
    "https://example.com:0/", "https://example.com:65536/", "https://example.com:-1/", "https://example.com:443x/",
)  # fmt: skip
# Refused as they stand, but in the sandbox, where a developer's own machine is the receiver.
HOSTILE_OUTSIDE_THE_SANDBOX = (
    "http://example.com/", "https://127.0.0.1/", "https://127.255.255.254/", "https://[::1]/", "https://localhost/",
    "https://LOCALHOST/", "https://app.localhost/", "https://metadata/", "https://metadata.google.internal/", "https://db.local/",
    "https://router.lan/", "https://printer.home.arpa/", "https://host.localdomain/", "https://example.com:80/",
    "https://example.com:22/", "https://example.com:25/", "https://example.com:6379/", "https://example.com:8080/",
    "https://example.com:9443/",
)  # fmt: skip
# Names that look well, and what they stand for.
RESOLVED_INSIDE = (
    "127.0.0.1", "10.1.2.3", "169.254.169.254", "172.31.0.1", "192.168.0.10", "0.0.0.1", "100.64.1.1", "192.0.0.8", "198.19.0.1",
    "224.0.0.251", "240.0.0.1", "255.255.255.255", "192.88.99.2", "::1", "::", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "2001:db8::2", "fe80::1", "fec0::2", "fc00::1",
    "fd00:ec2::254", "ff05::1", "5f00::2", "4000::2",
)  # fmt: skip


@pytest.fixture(params=["live", "test"])
def outside_the_sandbox(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.STRIPE_SANDBOX, settings.STRIPE_ENVIRONMENT = False, request.param


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that a connection is opened to: they are all refused here, so that nothing leaves the machine."""
    found: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        found.append(address)
        raise ConnectionRefusedError("no connection leaves this test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    return found


Resolve = Callable[..., list[Any]]


def resolver(*answers: str) -> Resolve:
    """A name server that gives each answer in turn, the last one from then on; an IP stands for itself."""
    left = list(answers)

    def resolve(host: str, port: Any, *arguments: Any, **named: Any) -> list[Any]:
        is_ip = ":" in host or host.replace(".", "").isdigit()
        address = host if is_ip else left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port, 0, 0) if ":" in address else (address, port))]

    return resolve


def post(url: str) -> posting.Answer:
    return posting.post(url, body="{}", headers={}, timeout_s=5)


class TestAHostileAddress:
    @pytest.mark.parametrize("url", HOSTILE)
    def test_is_refused_in_the_sandbox(self, opened: list[Any], url: str) -> None:
        with pytest.raises(AddressNotAllowed):
            refuse_address(url)
        with pytest.raises(posting.NotDelivered):
            post(url)
        assert opened == []

    @pytest.mark.parametrize("url", HOSTILE + HOSTILE_OUTSIDE_THE_SANDBOX)
    def test_is_refused_outside_the_sandbox(self, outside_the_sandbox: None, opened: list[Any], url: str) -> None:
        with pytest.raises(AddressNotAllowed):
            refuse_address(url)
        with pytest.raises(posting.NotDelivered):
            post(url)
        assert opened == []

    def test_is_refused_though_the_sandbox_would_allow_its_host(
        self, outside_the_sandbox: None, opened: list[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.SANDBOX_WEBHOOK_HOSTS = ["10.0.0.1", "receiver.example.com"]
        monkeypatch.setattr(socket, "getaddrinfo", resolver("10.0.0.1"))
        for url in ("https://10.0.0.1/", "https://receiver.example.com/"):
            with pytest.raises(posting.NotDelivered, match="not"):
                post(url)
        assert opened == []

    def test_tells_its_code_and_its_field(self) -> None:
        with pytest.raises(AddressNotAllowed) as refused:
            refuse_address("https://10.0.0.1/")
        assert (refused.value.code, refused.value.fields) == ("url_not_allowed", {"url": ["10.0.0.1 is not a public address."]})


class TestANameThatStandsForAnInnerAddress:
    @pytest.mark.parametrize("address", RESOLVED_INSIDE)
    def test_is_not_connected_to(
        self, outside_the_sandbox: None, opened: list[Any], monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", resolver(address))
        refuse_address("https://hooks.example.com/")
        with pytest.raises(posting.NotDelivered, match=r"^The host hooks\.example\.com is at .+, which is not public\.$"):
            post("https://hooks.example.com/")
        assert opened == []

    @pytest.mark.parametrize("address", [one for one in RESOLVED_INSIDE if one not in ("127.0.0.1", "::1")])
    def test_is_not_connected_to_in_the_sandbox(self, opened: list[Any], monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", resolver(address))
        with pytest.raises(posting.NotDelivered, match="not public"):
            post("http://hooks.example.com:8080/")
        assert opened == []

    def test_is_judged_at_each_attempt_anew(
        self, outside_the_sandbox: None, opened: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", resolver(PUBLIC, "10.0.0.1"))
        with pytest.raises(posting.NotDelivered, match="ConnectionRefusedError"):
            post("https://hooks.example.com/")
        with pytest.raises(posting.NotDelivered, match="not public"):
            post("https://hooks.example.com/")
        assert opened == [(PUBLIC, 443)]

    def test_is_not_connected_to_where_it_changes_between_the_look_and_the_connection(
        self, outside_the_sandbox: None, opened: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", resolver(PUBLIC, "127.0.0.1", "127.0.0.1"))
        with pytest.raises(posting.NotDelivered):
            post("https://hooks.example.com/")
        assert opened == [(PUBLIC, 443)]


class TestARedirect:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_is_an_answer_and_is_not_followed(self, status: int) -> None:
        with receiving() as inner, receiving(Scripted(status, headers={"Location": inner.url})) as receiver:
            assert post(receiver.url).http_status == status
        assert (len(receiver.bodies), inner.connections) == (1, 0)


class TestAnAllowedAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com", "https://example.com/hooks?app=1#top", "https://EXAMPLE.com:443/", "https://hooks.example.co.uk:8443/",
            "https://xn--mnchen-3ya.example/", "https://8.8.8.8/", "https://[2606:4700:4700::1111]/", "https://a_b.example.com/",
            "https://1password.example.com/", "https://example.com/ö?ü=✓",
        ],
    )  # fmt: skip
    def test_is_connected_to(
        self, outside_the_sandbox: None, opened: list[Any], monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", resolver(PUBLIC))
        refuse_address(url)
        with pytest.raises(posting.NotDelivered, match=r"^ConnectionRefusedError: no connection leaves this test$"):
            post(url)
        assert len(opened) == 1

    @pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:1/", "https://localhost:9443/"])
    def test_is_this_machine_in_the_sandbox(self, opened: list[Any], url: str) -> None:
        refuse_address(url)
        with pytest.raises(posting.NotDelivered, match="ConnectionRefusedError"):
            post(url)
        assert len(opened) == 1

    def test_is_a_private_host_in_the_sandbox_that_the_settings_name(
        self, opened: list[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.SANDBOX_WEBHOOK_HOSTS = ["receiver"]
        monkeypatch.setattr(socket, "getaddrinfo", resolver("10.0.0.7"))
        with pytest.raises(posting.NotDelivered, match="ConnectionRefusedError"):
            post("http://receiver:8080/")
        with pytest.raises(posting.NotDelivered, match="not public"):
            post("http://other:8080/")
        assert opened == [("10.0.0.7", 8080)]
