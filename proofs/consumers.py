"""Consumers of events as the proof of deliveries plays them: a real server that counts, is slow now and then, and fails."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

# Seconds that a consumer usually takes, and that a slow one takes: beyond what a worker calls slow.
USUAL_S, SLOW_S = 0.02, 2.2
# The shares of deliveries that are answered slowly; with a 500; and not at all, the connection being closed. The last two
# happen at the first post alone, so that the second one, five seconds later, ends it.
SLOW, FAILED, DROPPED = 0.02, 0.04, 0.02


@dataclass(frozen=True, slots=True)
class Arrival:
    """One post as it came in, and what it was answered: None where the connection was closed instead."""

    endpoint_id: str
    message_id: str
    sequence: int
    body: str
    answered: int | None


@dataclass
class Consumers:
    """All that has arrived. `secrets` are those of the endpoints, by their ids, which are the last part of their addresses."""

    seed: int
    base: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, endpoint_id: str, headers: Mapping[str, str], body: str) -> int | None:
        """Verifies a post as a consumer does, and decides the answer."""
        try:
            Webhook(self.secrets[endpoint_id]).verify(body, {name.lower(): value for name, value in headers.items()})
        except WebhookVerificationError as error:
            self.violations.append(f"{endpoint_id}: a signature does not verify: {error}")
        message_id, sequence = headers["webhook-id"], int(headers["Webhook-Endpoint-Sequence"])
        with self._lock:
            is_first = not any(one.message_id == message_id for one in self._of(endpoint_id, sequence))
            answer = self._answer(endpoint_id, sequence) if is_first else 200
            arrival = Arrival(endpoint_id, message_id, sequence, body, answer)
            self.arrivals.append(arrival)
            self._by_number.setdefault((endpoint_id, sequence), []).append(arrival)
        return answer

    def wait(self, endpoint_id: str, sequence: int) -> None:
        dice = self._dice("wait", endpoint_id, sequence)
        time.sleep(SLOW_S if dice.random() < SLOW else dice.uniform(0, 2 * USUAL_S))

    def _answer(self, endpoint_id: str, sequence: int) -> int | None:
        chance = self._dice("answer", endpoint_id, sequence).random()
        return None if chance < DROPPED else 500 if chance < DROPPED + FAILED else 200

    def _dice(self, about: str, endpoint_id: str, sequence: int) -> random.Random:
        place = list(self.secrets).index(endpoint_id)
        return random.Random(f"{self.seed} {about} {place} {sequence}")  # noqa: S311 - repeatable, guards nothing

    def __post_init__(self) -> None:
        self._by_number: dict[tuple[str, int], list[Arrival]] = {}

    def _of(self, endpoint_id: str, sequence: int) -> list[Arrival]:
        return self._by_number.get((endpoint_id, sequence), [])


@contextmanager
def consuming(seed: int) -> Iterator[Consumers]:
    """Consumers that listen on 127.0.0.1 while the block runs."""
    consumers = Consumers(seed)
    server = _Server(("127.0.0.1", 0), _handler(consumers))
    consumers.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield consumers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # as many as all workers' threads could open at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed breaks its connections off."""


def _handler(consumers: Consumers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            endpoint_id = self.path.rpartition("/")[2]
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            consumers.wait(endpoint_id, int(self.headers["Webhook-Endpoint-Sequence"]))
            answer = consumers.take(endpoint_id, dict(self.headers), body)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Nothing is printed."""

    return Handler
