"""Answers as they are kept for readers: the same at each recording, and shaped as they came."""

import hashlib
import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from commercecore_payments.openapi.examples import RECORDED
from commercecore_payments.tests.api_walk import Walk

# The moment at which all recorded answers begin: the day of the newest version of the API.
BEGINNING = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
# Ids of ours have 14 random letters and more, and Stripe's too; names such as `pm_card_visa` have fewer in a row.
ID = re.compile(r"\b([a-z]{2,5})_([A-Za-z0-9]{14,})")
SECRETS = (
    (re.compile(r"_secret_[A-Za-z0-9]+"), "_secret_" + "S" * 25),
    (re.compile(r"whsec_[A-Za-z0-9+/=]+"), "whsec_" + "c2VjcmV0" * 4),
    (re.compile(r"/onboarding/[^\"/ ]+"), "/onboarding/a-signed-token"),
    (re.compile(r"http://127\.0\.0\.1:\d+/hooks\?app=1"), "https://shop.example/webhooks"),
    (re.compile(r"127\.0\.0\.1:\d+/hooks"), "shop.example/webhooks"),
    (re.compile(r"http://(testserver|127\.0\.0\.1:8000)"), "https://payments.example.com"),
)
SECONDS = range(1_600_000_000, 4_200_000_000)
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d\.\d{6}(Z?)")
# Seconds: two recordings differ by less.
HOUR = 3600


def kept(walk: Walk) -> dict[str, Any]:
    """What the walk was answered, with other ids, secrets and times."""
    found = {"operations": dict(sorted(walk.answers.items())), "webhooks": dict(sorted(walk.webhooks.items()))}
    text = _without_secrets(json.dumps(found))
    content: dict[str, Any] = _moved(json.loads(text), first=min(_moments(found)))
    return content


def write(walk: Walk) -> None:
    RECORDED.write_text(json.dumps(kept(walk), indent=1, ensure_ascii=False) + "\n")


def shape(value: Any) -> Any:
    """What kind of thing it is: of an object each field's kind, of a list the kinds that stand in it."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return sorted({json.dumps(shape(inner)) for inner in value})
    return type(value).__name__


def _without_secrets(text: str) -> str:
    """Each id becomes another of the same length, by its place among those of its kind."""
    known: dict[str, str] = {}
    numbers: dict[str, int] = defaultdict(int)

    def other(match: re.Match[str]) -> str:
        prefix, letters = match.groups()
        if match[0] not in known:
            numbers[prefix] += 1
            known[match[0]] = f"{prefix}_{_letters(prefix, numbers[prefix], len(letters))}"
        return known[match[0]]

    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return ID.sub(other, text)


def _letters(prefix: str, number: int, length: int) -> str:
    return (hashlib.sha256(f"{prefix} {number}".encode()).hexdigest() * 4)[:length]


def _moments(value: Any) -> list[int]:
    if isinstance(value, dict | list):
        return [moment for inner in (value.values() if isinstance(value, dict) else value) for moment in _moments(inner)]
    return [value] if isinstance(value, int) and value in SECONDS else []


def _moved(value: Any, *, first: int) -> Any:
    """Every time as if the walk had begun at BEGINNING, to the hour; and nothing took longer than a blink."""
    if isinstance(value, dict):
        blinked = {**value, "duration_ms": 12} if "duration_ms" in value else value
        return {key: _moved(inner, first=first) for key, inner in blinked.items()}
    if isinstance(value, list):
        return [_moved(inner, first=first) for inner in value]
    if isinstance(value, int) and value in SECONDS:
        return int(BEGINNING.timestamp()) + round((value - first) / HOUR) * HOUR
    if isinstance(value, str):
        return ISO.sub(lambda match: f"{BEGINNING:%Y-%m-%d}{match[1]}{BEGINNING:%H:%M:%S}.123456{match[2]}", value)
    return value
