"""Sends a request until its outcome is known, with nothing but Python.

    python3 retrying.py /transactions create-order-17 '{"order_id": "order-17", "account_id": "acct_…", "amount": 2500}'

`API`, `DEVELOPER_TOKEN`, `APP_ID` and `USER_ID` come from the environment. It prints the status and the body.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

# Seconds between attempts, where the service names none. A program of yours goes on later, from a queue of its own.
WAITS_S = (1, 2, 5, 10, 30)
# Longer than the service waits for Stripe: whoever gives up sooner learns nothing.
TIMEOUT_S = 90
NOT_KNOWN_YET = ("operation_in_progress", "idempotency_key_in_use", "rate_limited")


class StillUnknown(Exception):
    """Not a failure: leave the order as "being looked into". An event will tell, or a read."""


def send(path: str, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The final answer to a request that was written down, with its key, before it is sent."""
    for wait_s in WAITS_S:
        status, headers, answer = attempt(path, key, body)
        if status is not None and status != 503 and answer.get("details", {}).get("code") not in NOT_KNOWN_YET:
            return status, answer
        print(f"not known yet: {answer.get('details', {}).get('code', 'no answer')}")
        time.sleep(float(headers.get("Retry-After") or wait_s))
    raise StillUnknown(key)


def attempt(path: str, key: str, body: dict[str, Any]) -> tuple[int | None, Any, dict[str, Any]]:
    """Status, headers and body of one answer; no status where none came, which tells nothing of what happened."""
    headers = {
        "Content-Type": "application/json",
        "X-Developer-Token": os.environ["DEVELOPER_TOKEN"],
        "X-App-ID": os.environ["APP_ID"],
        "X-User-ID": os.environ["USER_ID"],
        "Idempotency-Key": key,
        "CommerceCore-Version": "2026-12-01",
    }
    if fault := os.environ.pop("SANDBOX_FAULT", ""):  # for the first attempt, to rehearse this
        headers["Sandbox-Fault"] = fault
    request = urllib.request.Request(os.environ["API"] + path, json.dumps(body).encode(), headers)  # noqa: S310 - your own address
    try:
        with opened(request) as answer:
            return answer.status, answer.headers, json.load(answer)
    except (OSError, HTTPException, ValueError):  # no connection, a lost one, a timeout, half an answer, a proxy's own page
        return None, {}, {}


def opened(request: urllib.request.Request) -> Any:
    """The answer, also where it is a refusal."""
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as refusal:
        return refusal


if __name__ == "__main__":
    status, answer = send(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
    print(status, answer.get("data", {}).get("status") or answer["details"]["code"])
