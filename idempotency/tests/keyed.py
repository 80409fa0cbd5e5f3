"""What the tests of Idempotency-Keys share: the header, and the parts of an answer that a replay repeats."""

from typing import Any

KEY = "order-2227222/refund#1"


def under(key: str = KEY) -> dict[str, str]:
    return {"Idempotency-Key": key}


def is_replay(response: Any) -> bool:
    return bool(response.headers.get("Idempotent-Replayed") == "true")


def assert_refused(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.json()["details"]["code"]) == (status, code)
    assert not is_replay(response)
