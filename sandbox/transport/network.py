"""What the SDK reports of a call without an answer, made by the SDK itself.

A session whose connection fails is put into the SDK's own client, so that class, text, `should_retry` and causes are the
ones that a program meets when the same happens between it and Stripe.
"""

import errno
import http.client
import os
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
import stripe
import urllib3
from django.conf import settings
from requests.adapters import BaseAdapter

from sandbox.faults import fault_kinds
from sandbox.faults.fault_kinds import Fault


class _FailingConnection(BaseAdapter):
    """Stands where requests would connect, and fails."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self._failure = failure

    def send(self, *sent: Any, **options: Any) -> NoReturn:
        raise self._failure

    def close(self) -> None:
        """There is no connection to close."""


def fail(fault: Fault, *, method: str, url: str) -> NoReturn:
    """Raises the stripe.APIConnectionError that stands for a fault.

    A timeout is reported after the fault's delay, which is 0 unless it was ordered: nobody has to wait for it.
    """
    if fault.kind in fault_kinds.TIMEOUTS:
        fault_kinds.wait(min(fault.delay_s, settings.STRIPE_TIMEOUT_S))
    session = requests.Session()
    session.trust_env = False  # nothing travels, so no proxy and no password of this machine is asked for
    session.mount(f"{urlsplit(url).scheme}://", _FailingConnection(_failure(fault.kind, url)))
    stripe.RequestsClient(session=session).request(method, url, {})
    raise AssertionError("A connection that fails cannot answer.")


def _failure(kind: str, url: str) -> requests.RequestException:
    pool, path = urllib3.connection_from_url(url), urlsplit(url).path
    if kind == "refuse_connection":
        text = f"Failed to establish a new connection: [Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"
        unmade: Any = pool.ConnectionCls(pool.host, pool.port)
        refused = urllib3.exceptions.NewConnectionError(unmade, text)
        return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, path, refused))
    if kind in fault_kinds.TIMEOUTS:
        text = f"Read timed out. (read timeout={settings.STRIPE_TIMEOUT_S})"
        return requests.ReadTimeout(urllib3.exceptions.ReadTimeoutError(pool, path, text))
    closed = http.client.RemoteDisconnected("Remote end closed connection without response")
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", closed))
