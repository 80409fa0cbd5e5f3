"""Posting to a webhook endpoint's address: one request, to an address that may be reached, within bounded time."""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from urllib.parse import quote, urlsplit

import certifi
from django.conf import settings

# Seconds for the connection and for each silence of the receiver; and for everything together. Stripe says no number
# but that a receiver should answer "quickly" (https://docs.stripe.com/webhooks#acknowledge-events-immediately).
SILENCE_S = 10.0
LONGEST_S = 20.0
USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"  # [reported]
# The addresses that are assigned to be global (RFC 4291, section 2.4): outside of them lie the forms that hide an IPv4
# address behind a translator.
_UNICAST = ipaddress.ip_network("2000::/3")
_PORTS = {"http": 80, "https": 443}
_PATH_LETTERS = "/%:@!$&'()*+,;=~?-._"


class NotDelivered(Exception):
    """The receiver could not be reached, may not be, or gave no answer in time. The text says why."""


def post(url: str, text: str, signature: str) -> int:
    """Posts JSON and answers the receiver's status. No redirect is followed, no proxy asked, no answer's body read.

    Raises NotDelivered.
    """
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature, "User-Agent": USER_AGENT}
    parts = urlsplit(url)
    target = quote(parts.path or "/", safe=_PATH_LETTERS) + (f"?{quote(parts.query, safe=_PATH_LETTERS)}" if parts.query else "")
    try:
        with _connected(url) as connection:
            connection.request("POST", target, text.encode(), headers)
            return connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:  # a ValueError is TLS refusing the host's name
        raise NotDelivered(f"{type(error).__name__}: {error}") from error


def allowed_address(host: str, port: int) -> str:
    """The address that stands for a host now: the loopback or a public one, any for a host of SANDBOX_WEBHOOK_HOSTS.

    Whoever may make an endpoint could else reach what is behind the service's own network. Raises NotDelivered.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the second for a name that no name server could be asked for
        raise NotDelivered(f"The host {host} is unknown: {error}") from error
    address = str(found[0][4][0])
    if host not in settings.SANDBOX_WEBHOOK_HOSTS and not _is_open(address):
        raise NotDelivered(f"The host {host} is at {address}, which is not public: SANDBOX_WEBHOOK_HOSTS can allow it.")
    return address


def _is_open(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    elif isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        return found in _UNICAST and found.sixtofour is None and found.is_global
    return found.is_loopback or (found.is_global and not found.is_multicast)


@contextmanager
def _connected(url: str) -> Iterator[http.client.HTTPConnection]:
    """A connection to the very address that was judged; it is cut when the longest time is over."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise NotDelivered(f"{url} is no http or https address.")
    port = parts.port or _PORTS[parts.scheme]
    plain = socket.create_connection((allowed_address(parts.hostname, port), port), SILENCE_S)
    with plain, _cut_after(plain, LONGEST_S):
        connection = http.client.HTTPConnection(parts.hostname, port, timeout=SILENCE_S)
        connection.sock = _secured(plain, parts.hostname) if parts.scheme == "https" else plain
        connection.auto_open = 0
        try:
            yield connection
        finally:
            connection.close()


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=certifi.where())
    return context.wrap_socket(plain, server_hostname=host)


@contextmanager
def _cut_after(plain: socket.socket, seconds: float) -> Iterator[None]:
    """Ends a receiver that answers a little at a time, which no limit of a single silence ends."""
    with plain.dup() as same:
        timer = Timer(seconds, _cut, [same])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _cut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the receiver was faster
