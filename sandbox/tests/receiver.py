"""A receiver of webhooks as a program of the platform has one, on 127.0.0.1."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Receiver:
    """What has arrived, and what it answers next: each answer once, the last one from then on."""

    url: str
    answers: list[int] = field(default_factory=lambda: [200])
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    was_reached: Event = field(default_factory=Event)

    def next_answer(self) -> int:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that really listens while the block runs."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/webhooks?from=stripe")
    _Handler.receiver = receiver
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        assert self.path == "/webhooks?from=stripe"
        self.receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.receiver.headers.append(self.headers)
        self.send_response(self.receiver.next_answer())
        self.send_header("Location", self.receiver.url)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.receiver.was_reached.set()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""
