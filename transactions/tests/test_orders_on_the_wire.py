"""The order lookup over a real socket, with services that misbehave after they have begun to answer."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Thread
from typing import Any

import pytest

from commercecore_payments.tests.tenants import Tenant
from transactions.models import Transaction

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"


def stall(connection: socket.socket, done: Event) -> None:
    connection.sendall(HEAD + b"\r\n{")
    done.wait(10)


def drip(connection: socket.socket, done: Event) -> None:
    connection.sendall(HEAD + b"\r\n")
    while not done.wait(0.05):
        connection.sendall(b" ")


def cut_off(connection: socket.socket, done: Event) -> None:
    connection.sendall(HEAD + b"\r\n{")


def lie_about_the_encoding(connection: socket.socket, done: Event) -> None:
    connection.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n" + b"x" * 100)


@pytest.fixture
def order_service(settings: Any) -> Iterator[Callable[[Callable[[socket.socket, Event], None]], None]]:
    """Starts a service that answers one request as it is told to."""
    done = Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        settings.COMMERCECORE_ORDERS_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings.ORDERS_TIMEOUT_S = 0.3

        def start(behaviour: Callable[[socket.socket, Event], None]) -> None:
            def serve() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    try:
                        behaviour(connection, done)
                    except OSError:
                        return  # the caller has hung up, as it should

            Thread(target=serve, daemon=True).start()

        yield start
        done.set()


class TestAnOrderService:
    @pytest.mark.parametrize("behaviour", [stall, drip, cut_off, lie_about_the_encoding], ids=lambda one: one.__name__)
    def test_that_never_ends_its_answer_is_out_of_reach(
        self, tenant: Tenant, order_service: Any, behaviour: Callable[[socket.socket, Event], None]
    ) -> None:
        order_service(behaviour)
        response = tenant.post("/transactions", {"order_id": "1"})
        assert (response.status_code, response.json()["details"]["code"]) == (500, "order_service_unreachable")
        assert not Transaction.objects.exists()

    @pytest.mark.parametrize("order_id", [".", ".."])
    def test_is_not_asked_for_what_is_no_order(self, tenant: Tenant, settings: Any, order_id: str) -> None:
        settings.COMMERCECORE_ORDERS_URL = "http://127.0.0.1:9/orders"
        response = tenant.post("/transactions", {"order_id": order_id})
        assert (response.status_code, response.json()["details"]["code"]) == (404, "order_not_found")
