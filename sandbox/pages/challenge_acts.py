"""What the staff may answer to an open 3-D Secure challenge on its intent's page: what the buyer would on the challenge's own."""

from functools import partial

from django.http import HttpRequest, HttpResponse

from sandbox.models import SandboxObject
from sandbox.money import authentication
from sandbox.pages.base import carried_out, message, staff_page_of_the_present

OUTCOMES = ("complete", "fail")


def offered(row: SandboxObject) -> bool:
    """Whether the page of an object offers both answers: it is an intent that waits for its buyer."""
    return row.object_type in authentication.INTENTS and authentication.is_open(row)


@staff_page_of_the_present("POST")
def answer(request: HttpRequest, intent_id: str) -> HttpResponse:
    """Answers a challenge, and shows the intent; that it is over, or never was, is told."""
    outcome = request.POST.get("outcome", "")
    if outcome not in OUTCOMES:
        return message(request, "There is no such answer", "A buyer completes a challenge, or fails it.", status=400)
    order = partial(authentication.answer_open_challenge, intent_id=intent_id, authenticated=outcome == "complete")
    return carried_out(request, intent_id, order, refused="This challenge cannot be answered")
