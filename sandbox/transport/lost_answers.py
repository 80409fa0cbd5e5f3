"""Answers that never arrive at a program at the door: its connection is closed without one."""

import logging
import selectors
import socket
from http import HTTPStatus

from django.db import connection
from django.http import HttpRequest

from sandbox.api.errors import StripeError
from sandbox.faults import fault_kinds
from sandbox.faults.fault_kinds import Fault

logger = logging.getLogger(__name__)

# Where gunicorn's WSGI environment has the connection of a request.
SOCKET = "gunicorn.socket"


def lose(request: HttpRequest, fault: Fault) -> None:
    """Closes the request's connection, for a timeout only after the caller has given up, or the fault's delay is over.

    A connection that exists can no longer be refused: `refuse_connection` closes it before anything has happened. Raises
    a 504 that says what was ordered, where the server gives no connection to close.
    """
    found: socket.socket | None = request.META.get(SOCKET)
    if found is None:
        message = f"The fault {fault.kind} was ordered, and this server has no connection to close: take this for no answer."
        raise StripeError(message, status=HTTPStatus.GATEWAY_TIMEOUT, type="api_error")
    if fault.kind in fault_kinds.TIMEOUTS:
        _wait_for_the_caller(found, fault.delay_s or fault_kinds.LONGEST_REQUEST_DELAY_S)
    _close(found)
    logger.info("%s %s was left without an answer: %s was ordered", request.method, request.path, fault.kind)


def _wait_for_the_caller(found: socket.socket, seconds: float) -> None:
    """Waits until the caller closes its side, and holds no connection to the database meanwhile."""
    if not connection.in_atomic_block:
        connection.close()
    with selectors.DefaultSelector() as selector:
        selector.register(found, selectors.EVENT_READ)  # the whole request has been read: what can still be read is its end
        selector.select(seconds)


def _close(found: socket.socket) -> None:
    try:
        found.shutdown(socket.SHUT_RDWR)  # gunicorn still closes the socket itself, and takes a broken pipe calmly
    except OSError:
        return  # the caller was faster
