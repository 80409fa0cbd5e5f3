"""Judges what Stripe answers: objects, lists, errors and events."""

from typing import Any

from commercecore_payments.testing.stripe_types.annotations import page
from commercecore_payments.testing.stripe_types.judge import Judge, Problems

ERROR = "error"
OAUTH_ERROR = "oauth_error"
OAUTH_DEAUTHORIZATION = "oauth_deauthorization"
LIST = "list"
EVENT = "event"
ANY_LIST = page({}, LIST)


def kind_of(body: Any) -> str:
    """The name of the schema that an answer's body is judged by; "" where its own words tell none."""
    if not isinstance(body, dict):
        return ""
    if "error" in body:
        return OAUTH_ERROR if isinstance(body["error"], str) else ERROR
    if set(body) == {"stripe_user_id"}:
        return OAUTH_DEAUTHORIZATION
    kind = body.get("object")
    return "" if not isinstance(kind, str) else f"deleted_{kind}" if body.get("deleted") is True else kind


def problems_of_object(judge: Judge, body: Any) -> Problems:
    """What is wrong with an answer's body, each as its place and a sentence; nothing for one that conforms."""
    kind = kind_of(body)
    if kind == LIST:
        return problems_of_list(judge, body)
    if not judge.knows(kind):
        return [f"answer: Stripe has no object {kind!r}"]
    found = judge.named(kind)(body)
    if kind == EVENT and isinstance(body.get("data"), dict):
        found += [f".data{problem}" for problem in _problems_of_event_data(judge, body)]
    return [f"{kind}{problem}" for problem in found]


def problems_of_list(judge: Judge, body: Any) -> Problems:
    """The same for a page of a list, whose items are judged by their own kinds."""
    found = [f"{LIST}{problem}" for problem in judge.check(ANY_LIST)(body)]
    items = body.get("data") if isinstance(body.get("data"), list) else []
    return found + [f"{LIST}[{place}] {problem}" for place, one in enumerate(items) for problem in problems_of_object(judge, one)]


def _problems_of_event_data(judge: Judge, event: dict[str, Any]) -> Problems:
    inner, before = event["data"].get("object"), event["data"].get("previous_attributes")
    found = [f".object {problem}" for problem in problems_of_object(judge, inner)]
    if before is None:
        return found
    if not str(event.get("type")).endswith("updated"):
        found.append(".previous_attributes: an event that is no update carries them")
    known = judge.fields(kind_of(inner))
    return found + [f".previous_attributes.{name}: unknown field" for name in before if name not in known]
