"""Receives CommerceCore's webhooks with nothing but Python: `WEBHOOK_SECRET=whsec_… python3 receiver.py 9000`.

It verifies, remembers, answers, and only then does its work, once for each event; it tells where a sequence number is missing.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_S = 300  # older and younger signatures are refused: whoever recorded one can send it again

# In a program of yours a table with a unique column: an event that is committed there cannot be lost any more.
taken: set[str] = set()
lock = Lock()
sequences: set[int] = set()


def is_signed(message_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether one of the signatures is ours. While a secret is rotated there are two."""
    signed = f"{message_id}.{timestamp}.".encode() + body  # the raw body: parsed and written anew it is another one
    expected = base64.b64encode(hmac.digest(SECRET, signed, hashlib.sha256)).decode()
    found = [signature.partition(",") for signature in signatures.split()]
    return any(version == "v1" and hmac.compare_digest(value.encode(), expected.encode()) for version, _, value in found)


def is_fresh(timestamp: str) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and abs(time.time() - int(timestamp)) <= TOLERANCE_S  # noqa: TID251


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message_id, timestamp = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        signatures = self.headers.get("webhook-signature", "")
        if not is_fresh(timestamp) or not is_signed(message_id, timestamp, signatures, body):
            self.answer(401)
            return
        with lock:
            is_new = message_id not in taken
            taken.add(message_id)
        self.answer(204)  # as soon as it cannot be lost any more, and before the work
        if is_new:
            take(json.loads(body))

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing but events is printed."""


def take(event: dict[str, Any]) -> None:
    """What an event does. It may be older than one that came before: `data.version` says which state is the newer one."""
    if event["type"] == "webhook.test":
        return
    sequences.add(event["data"]["sequence"])
    missing = sorted(set(range(min(sequences), max(sequences))) - sequences)
    print(event["type"], event["data"]["sequence"], f"missing: {missing}" if missing else "", flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
