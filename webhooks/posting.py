"""Posting to an address that somebody else has named: one request, to an IP that was judged, within bounded time and length.

    with open_session() as session:  # keeps a connection alive from one post to the next
        answer = post(url, body=body, headers=headers, session=session)

The name is resolved once an attempt, the IP is judged, and the connection goes to that very IP: a name that changes between
the look and the connection changes nothing. No proxy and no password is taken from the environment, and no redirect followed.
"""

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import requests
from django.conf import settings
from requests.structures import CaseInsensitiveDict
from requests_hardened.client import HTTPSession
from requests_hardened.config import Config
from urllib3.exceptions import HTTPError

from webhooks.addresses import refuse_address
from webhooks.connections import JudgingAdapter, Limits, NotPublic, present_limits
from webhooks.errors import AddressNotAllowed
from webhooks.schedule import seconds_of_retry_after

USER_AGENT = "CommerceCore-Webhooks/1.0"
# Seconds for everything together. Standard Webhooks asks for 15 to 30.
TIMEOUT_S = 15.0
# Bytes of an answer that are read. Nothing in it is needed but what a person may want to see of it.
MAX_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered. `text` is what was read of it, without what no database can hold."""

    http_status: int
    text: str
    retry_after_s: int | None


class NotDelivered(Exception):
    """The receiver may not be reached, could not be, or gave no answer in time. The text says why, and may be shown."""


class NoAnswerInTime(NotDelivered):
    """The receiver, or the way to it, took longer than it was given."""


# How the libraries below say that nothing was delivered; a ValueError is an address or a header that they cannot send.
_FAILURES = (requests.RequestException, HTTPError, OSError, ValueError, http.client.HTTPException)


def open_session() -> HTTPSession:
    """A session for posts in one thread. It connects to IPs that were judged, and to no others; the caller closes it."""
    session = HTTPSession(
        # The filter that it would bring along is the adapter's below.
        Config(ip_filter_enable=False, ip_filter_allow_loopback_ips=False, never_redirect=True, default_timeout=None)
    )
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers = CaseInsensitiveDict(
        {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept-Encoding": "identity"}
    )
    session.adapters.clear()  # requests' own would connect to wherever a name leads
    session.mount("https://", JudgingAdapter(is_https_proto=True, allow_loopback=settings.STRIPE_SANDBOX))
    if settings.STRIPE_SANDBOX:
        session.mount("http://", JudgingAdapter(is_https_proto=False, allow_loopback=True))
    return session


def post(
    url: str,
    *,
    body: str,
    headers: Mapping[str, str],
    timeout_s: float = TIMEOUT_S,
    silence_s: float | None = None,
    session: HTTPSession | None = None,
) -> Answer:
    """Posts `body` to the letter and reads the answer, all within `timeout_s`, no silence of it longer than `silence_s`.

    An answer whose headers have come and whose end has not is an answer. Raises NotDelivered.
    """
    try:
        refuse_address(url)
    except AddressNotAllowed as error:
        raise NotDelivered(error.message) from error
    if session is not None:
        return _post(session, url, body, headers, Limits(timeout_s, silence_s))
    with open_session() as own:
        return _post(own, url, body, headers, Limits(timeout_s, silence_s))


def _post(session: requests.Session, url: str, body: str, headers: Mapping[str, str], limits: Limits) -> Answer:
    before = present_limits.set(limits)
    try:
        return _exchange(session, url, body, headers, limits)
    except _FAILURES as error:
        raise _not_delivered(error, limits) from error
    finally:
        limits.stop()
        present_limits.reset(before)


def _exchange(session: requests.Session, url: str, body: str, headers: Mapping[str, str], limits: Limits) -> Answer:
    timeouts = (limits.step_s, limits.silence_s)
    with session.post(url, data=body.encode(), headers=dict(headers), stream=True, timeout=timeouts) as response:
        if limits.are_over:  # the standard library takes headers that were cut for whole ones
            raise TimeoutError
        text = printable(_beginning(response).decode(errors="replace"))
    return Answer(
        http_status=response.status_code,
        text=text,
        retry_after_s=seconds_of_retry_after(response.headers.get("Retry-After")),
    )


def _beginning(response: requests.Response) -> bytes:
    """As much of the answer as is kept; what is compressed against our wish stays so. What fails takes no status back."""
    try:
        return bytes(response.raw.read(MAX_ANSWER_BYTES, decode_content=False))
    except _FAILURES:
        return b""


def printable(text: str) -> str:
    """`text` with a mark in place of each control character but blanks: PostgreSQL takes no NUL, and a terminal obeys others."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", text)


def _not_delivered(error: BaseException, limits: Limits) -> NotDelivered:
    """With the first cause, without what the libraries in between made of it."""
    if limits.are_over:
        return NoAnswerInTime(f"TimeoutError: no answer within {limits.timeout_s:g} seconds")
    first = error
    while (earlier := first.__cause__ or (None if first.__suppress_context__ else first.__context__)) is not None:
        first = earlier
    if isinstance(first, NotPublic):
        return NotDelivered(str(first))
    reason = " ".join(printable(f"{type(first).__name__}: {first}").split())
    return NoAnswerInTime(reason) if isinstance(first, TimeoutError) else NotDelivered(reason)
