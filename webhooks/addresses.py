"""Where events may be sent: the form of an address, judged when a developer names it, and the IP behind it, at each attempt.

Whoever may name an address could else have the service ask what only it can reach: its own network, its host, the metadata
service of its cloud. https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from webhooks.errors import AddressNotAllowed
from webhooks.models import MAX_URL_LENGTH

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# HTTPS's own port (RFC 9110, section 4.2.2), and the one that is customary for programs that may not open ports below 1024.
# At others live the services of a network's inside, whom even the beginning of a TLS handshake should not reach.
PORTS = frozenset({443, 8443})

# Blanks and control characters, which parsers drop or break lines at, and the backslash, which some read as a slash: two
# parsers would see two hosts.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
# RFC 1123, section 2.1, and the underscore that is in use. The last label begins with a letter (RFC 3696, section 2), which
# leaves out all the other ways to write an IPv4 address: 2130706433, 0x7f.1, 017700000001.
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAX_NAME_LENGTH = 253  # RFC 1035, section 2.3.4, as it is written out
# Names that mean this machine or this network: RFC 6761, RFC 6762, RFC 8375, and ICANN's own choice for private use.
_INNER_DOMAINS = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")

# What is routed as a whole (RFC 4291, section 2.4). Outside of it lie loopback, link-local and unique local addresses, and the
# forms that hold an IPv4 address: mapped, compatible, NAT64.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Inside of what Python calls global, by https://www.iana.org/assignments/iana-ipv4-special-registry and its sister for IPv6.
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocol assignments, among them the addresses of a NAT64's inside
        "192.88.99.0/24",  # 6to4 relays
        "100.64.0.0/10",  # behind a carrier's translator, or a cloud's inner network
        "2001::/23",  # IETF protocol assignments, among them Teredo and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address is hidden in it
        "3fff::/20",  # documentation
    )
)


def refuse_address(url: str) -> None:
    """Raises AddressNotAllowed for an address that events can never be sent to, by its form or its literal IP.

    https, at a public host and one of PORTS; in the sandbox http, this machine and every port too. What a name stands for is
    not asked here: it may change, and is judged at each attempt.
    """
    if len(url) > MAX_URL_LENGTH or _AMBIGUOUS.search(url):
        raise AddressNotAllowed(f"The address has up to {MAX_URL_LENGTH} characters, without blanks or backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressNotAllowed(f"The address cannot be read: {error}") from error
    _refuse_form(parts)
    _refuse_port(port)
    _refuse_host(parts.hostname or "")


def _refuse_form(parts: SplitResult) -> None:
    if parts.scheme != "https" and not (settings.STRIPE_SANDBOX and parts.scheme == "http"):
        raise AddressNotAllowed("The address has to begin with https://.")
    if "@" in parts.netloc:
        raise AddressNotAllowed("The address may hold no user or password: what is sent is signed.")


def _refuse_port(port: int | None) -> None:
    if port == 0 or (port is not None and port not in PORTS and not settings.STRIPE_SANDBOX):
        raise AddressNotAllowed(f"The port has to be {' or '.join(str(one) for one in sorted(PORTS))}.")


def _refuse_host(host: str) -> None:
    if is_named_in_settings(host):
        return
    literal = _literal(host)
    if literal is not None:
        if not is_open(literal):
            raise AddressNotAllowed(f"{host} is not a public address.")
    elif len(host) > _MAX_NAME_LENGTH or not _NAME.fullmatch(host):
        raise AddressNotAllowed("The host has to be a domain name, an international one in its ASCII form (xn--…).")
    elif not settings.STRIPE_SANDBOX and ("." not in host or _is_inner(host)):
        raise AddressNotAllowed(f"{host} is the name of a host in a private network.")


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_inner(host: str) -> bool:
    return any(host.endswith(f".{domain}") for domain in _INNER_DOMAINS)


def is_named_in_settings(host: str) -> bool:
    """Whether a host of the sandbox may be reached though it is private, as in a network of containers."""
    return settings.STRIPE_SANDBOX and host in settings.SANDBOX_WEBHOOK_HOSTS


def is_open(address: IPAddress) -> bool:
    """Whether an event may be sent to this very IP: a public one, and in the sandbox this machine's own."""
    if address.is_loopback:
        return settings.STRIPE_SANDBOX and (address.version == 4 or address == ipaddress.IPv6Address("::1"))
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address not in _GLOBAL_UNICAST):
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _SPECIAL)
