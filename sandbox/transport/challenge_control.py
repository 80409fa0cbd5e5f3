"""The control API's part about 3-D Secure: answers a challenge as the buyer would on its page."""

from typing import Any

from sandbox.api.errors import StripeError
from sandbox.api.parameters import Choice, Hash, required
from sandbox.money import authentication
from sandbox.timeline import due
from sandbox.transport.controlled import controlled

ANSWER = Hash({"outcome": required(Choice(("complete", "fail")))})


def _answer(sent: dict[str, Any], intent: str) -> dict[str, Any]:
    """The intent as Stripe would answer it, after its buyer has passed or failed the challenge."""
    due.carry_out_due()
    try:
        return authentication.answer_open_challenge(intent_id=intent, authenticated=sent["outcome"] == "complete").data
    except authentication.UnknownChallenge:
        raise StripeError(
            f"No intent '{intent}' waits for its buyer.", status=404, code="resource_missing", param="intent"
        ) from None


challenge_api = controlled(POST=(ANSWER, _answer))
