"""The examples of the API's description: real answers, recorded by `commercecore_payments/openapi/walk.py`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("examples.json")


@cache
def recorded() -> dict[str, Any]:
    """`operations`: by name, each answer with its request; `webhooks`: by type, the body that is sent."""
    if not RECORDED.exists():
        return {"operations": {}, "webhooks": {}}
    found: dict[str, Any] = json.loads(RECORDED.read_text())
    return found


def of_operation(name: str) -> list[dict[str, Any]]:
    """What was recorded of an operation, in the order of the walk."""
    found: list[dict[str, Any]] = recorded()["operations"].get(name, [])
    return found


def request_example(name: str) -> dict[str, Any]:
    """The bodies that were taken."""
    taken = [one for one in of_operation(name) if one["status"] < 300 and one["request"] is not None]
    return {"examples": {_key(one): {"summary": one["summary"], "value": one["request"]} for one in taken}} if taken else {}


def answer_examples(name: str, status: int) -> dict[str, Any]:
    answered = [one for one in of_operation(name) if one["status"] == status]
    if not answered:
        return {}
    return {"examples": {_key(one): {"summary": one["summary"], "value": one["answer"]} for one in answered}}


def _key(recorded_one: dict[str, Any]) -> str:
    """OpenAPI takes letters, digits and underscores as the name of an example."""
    return "".join(letter if letter.isalnum() else "_" for letter in recorded_one["summary"].lower()).strip("_")
