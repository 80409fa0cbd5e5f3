"""Connections to somebody else's address: to an IP that was judged and to no other, and cut when their time is over."""

import ipaddress
import os
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from threading import Thread, Timer
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from commercecore_payments.clock import elapsed_s
from webhooks.addresses import is_named_in_settings, is_open

# Before an answer is waited for there are five steps, each of which may take this share of the time, and no longer: the name,
# the connection, TLS, and sending the headers and the body.
STEP = 1 / 5


class NotPublic(requests.RequestException):
    """A name stands for an IP that may not be reached."""


class Limits:
    """The limits of one attempt. It cuts a receiver that answers a little at a time, which no limit of a silence does.

    All in seconds: `timeout_s` for everything together, `silence_s` for each silence of the receiver.
    """

    def __init__(self, timeout_s: float, silence_s: float | None = None) -> None:
        self.timeout_s = timeout_s
        self.silence_s = silence_s or timeout_s
        self.step_s = min(self.silence_s, timeout_s * STEP)
        self.are_over = False
        self._ends_at_s = elapsed_s() + timeout_s
        self._timer: Timer | None = None
        self._socket: socket.socket | None = None

    def watch(self, connected: socket.socket) -> None:
        """From now on the connection is cut when the time is over. A copy of it: the original may be closed by then."""
        self._socket = socket.socket(fileno=os.dup(connected.fileno()))
        self._timer = Timer(max(0.0, self._ends_at_s - elapsed_s()), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """The attempt is over, and nothing is cut any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._socket is not None:
            self._socket.close()

    def _cut(self) -> None:
        self.are_over = True
        try:
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the receiver was faster


# The limits of the attempt that this thread makes: urllib3 makes its connections itself, and hands them nothing of ours.
present_limits: ContextVar[Limits] = ContextVar("present_limits")


class _Connection(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        present_limits.get().watch(self.sock)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        present_limits.get().watch(self.sock)
        return super().getresponse()


class _Connections(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecureConnections(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class JudgingAdapter(IPFilterAdapter):
    """Resolves and pins at each request as its parent does, but within bounded time, and judges the IP by `addresses.is_open`.

    Each request needs `present_limits`.
    """

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Connections, "https": _SecureConnections}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Where urllib3 connects to. Raises NotPublic, TimeoutError, and requests' own errors for a name that is unknown."""
        named, keywords = HTTPAdapter.build_connection_pool_key_attributes(self, request, verify, cert)
        if is_named_in_settings(str(named["host"])):
            return named, keywords
        pin = super().build_connection_pool_key_attributes
        try:
            pinned, keywords = _within(present_limits.get().step_s, lambda: pin(request, verify, cert))
        except InvalidIPAddress as error:
            raise _not_public(named["host"], error) from None
        if not is_open(ipaddress.ip_address(pinned["host"].strip("[]"))):
            raise _not_public(named["host"], pinned["host"])
        return pinned, keywords


def _not_public(host: str, address: object) -> NotPublic:
    return NotPublic(f"The host {host} is at {address}, which is not public.")


def _within(seconds: float, ask: Callable[[], Any]) -> Any:
    """What is answered in time. The system's resolver has no limit of ours: where it is slow, it goes on beside us.

    Raises TimeoutError, and what `ask` raises.
    """
    answer: Future[Any] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    return answer.result(timeout=seconds)
