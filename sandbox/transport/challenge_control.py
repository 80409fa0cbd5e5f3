"""The control API's part about 3-D Secure: answers a challenge as the buyer would on its page."""

from typing import Any

from sandbox.api.parameters import Choice, Hash, required
from sandbox.money import authentication
from sandbox.transport.controlled import ordered

ANSWER = Hash({"outcome": required(Choice(("complete", "fail")))})


def _answer(sent: dict[str, Any], intent: str) -> dict[str, Any]:
    """The intent as Stripe would answer it, after its buyer has passed or failed the challenge."""
    return authentication.answer_open_challenge(intent_id=intent, authenticated=sent["outcome"] == "complete").data


challenge_api = ordered(ANSWER, _answer)
