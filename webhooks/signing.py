"""Signatures of what is sent, as Standard Webhooks has them, so that any of its libraries verifies them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from webhooks.secrets import PREFIX

# Of the symmetric scheme: HMAC-SHA256.
SCHEME = "v1"


def sign(secret: str, *, message_id: str, timestamp: int, body: str) -> str:
    """`v1,` and the base64 of the HMAC-SHA256 over id, timestamp (seconds since 1970) and body. `secret` is `whsec_…`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return f"{SCHEME},{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def headers(secrets: Sequence[str], *, message_id: str, timestamp: int, body: str) -> dict[str, str]:
    """The three headers that a receiver verifies: one signature for each secret that signs now."""
    signatures = [sign(secret, message_id=message_id, timestamp=timestamp, body=body) for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}
