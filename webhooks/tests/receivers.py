"""A receiver of events as a consumer has one, on 127.0.0.1, and what it takes to send it something."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from django.db import transaction

from accounts.models import ConnectedAccount
from developers.models import App
from developers.tests.factories import AppFactory
from webhooks.models import Delivery, Event, EventType, WebhookEndpoint
from webhooks.outbox import write_event
from webhooks.secrets import new_secret, set_secret


@dataclass
class Scripted:
    """One answer of a receiver."""

    status: int = 200
    text: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0


@dataclass
class Receiver:
    """What has arrived, and what it answers: each scripted answer once, the last one from then on."""

    url: str = ""
    answers: list[Scripted] = field(default_factory=lambda: [Scripted()])
    bodies: list[str] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    connections: int = 0

    def next_answer(self) -> Scripted:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiving(*answers: Scripted) -> Iterator[Receiver]:
    """A receiver that really listens while the block runs."""
    receiver = Receiver(answers=list(answers) or [Scripted()])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks?app=1"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            receiver.connections += 1
            super().setup()

        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            receiver.headers.append(self.headers)
            answer = receiver.next_answer()
            time.sleep(answer.after_s)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.text)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.text)

        def log_message(self, *arguments: Any) -> None:
            """Nothing is printed."""

    return Handler


def make_endpoint(url: str, app: App | None = None, **changes: Any) -> WebhookEndpoint:
    """An endpoint that takes every event; what `changes` names is otherwise."""
    endpoint = WebhookEndpoint(app=app or AppFactory.create(), url=url, event_types=["*"], **changes)
    set_secret(endpoint, new_secret())
    endpoint.save(force_insert=True)
    return endpoint


def tell(endpoint: WebhookEndpoint, number: int = 1) -> list[Delivery]:
    """Writes so many events of the endpoint's app; their deliveries to it, the oldest first."""
    before = Event.objects.filter(app=endpoint.app).count()
    for _ in range(number):
        with transaction.atomic():
            write_event(EventType.ACCOUNT_UPDATED, subject=ConnectedAccount(pk=1), data={"ö": "✓"}, apps=[endpoint.app])
    return list(Delivery.objects.filter(endpoint=endpoint, event__sequence__gt=before).order_by("sequence"))
