"""Listens to everything that a process exchanges with Stripe, and judges it."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db.models.signals import post_save

from commercecore_payments.testing.stripe_types.description import Description
from commercecore_payments.testing.stripe_types.judge import Judge, Problems
from commercecore_payments.testing.stripe_types.objects import problems_of_object
from commercecore_payments.testing.stripe_types.requests import problems_of_request, read_form

# Statuses of Stripe's after which its parameters are known to be right: it did what was asked, or tried to (402).
ACCEPTED = {200, 402}
# The SDK describes no operations for these addresses, and their errors have the shape of RFC 6749.
OAUTH = "/oauth/"


OBJECTS, REQUESTS = "objects", "requests"  # what is judged
# Keeps a verdict: which of the two was judged, and what was wrong with it.
Keep = Callable[[str, Problems], None]


class Traffic:
    """Judges objects and requests, and hands on each verdict."""

    def __init__(self, description: Description, keep: Keep) -> None:
        self._judge = Judge(description["schemas"])
        self._operations = description["operations"]
        self._keep = keep

    def judge_object(self, body: Any) -> None:
        """Judges what Stripe answers or tells: an object, a list, an error or an event."""
        self._keep(OBJECTS, problems_of_object(self._judge, body))

    def judge_request(self, method: str, path: str, parameters: dict[str, Any]) -> None:
        """Judges what is sent, its parameters as the texts of the form."""
        self._keep(REQUESTS, problems_of_request(self._judge, self._operations, method, path, parameters))


def listen(traffic: Traffic) -> None:
    """Judges all that this process exchanges with Stripe from now on. Django must be set up."""
    _listen_to_the_sandbox(traffic)
    _listen_to_the_gateway(traffic)


def _listen_to_the_sandbox(traffic: Traffic) -> None:
    """Judges each answer of the sandbox, each request that it carried out, and each event that it wrote."""
    from sandbox.api import server  # noqa: PLC0415 - Django's models are there only once it is set up
    from sandbox.api.wire import Answer, Request  # noqa: PLC0415
    from sandbox.models import SandboxObject  # noqa: PLC0415

    answer = server.answer

    def judged(request: Request) -> Answer:
        found = answer(request)
        if request.path.startswith(OAUTH):
            return found
        traffic.judge_object(found.body)
        if found.status in ACCEPTED:
            traffic.judge_request(request.method, request.path, request.parameters)
        return found

    def judge_event(instance: SandboxObject, **rest: Any) -> None:
        if instance.object_type == "event":
            traffic.judge_object(instance.data)

    server.answer = judged
    post_save.connect(judge_event, sender=SandboxObject, weak=False)


def _listen_to_the_gateway(traffic: Traffic) -> None:
    """Judges each request that the gateway's client sends, whatever becomes of it on its way."""
    import stripe

    from gateway import client  # noqa: PLC0415

    build = client.transport

    def judged_transport() -> stripe.HTTPClient:
        wire = build()

        def request(method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **rest: Any) -> Any:
            traffic.judge_request(method, *_path_and_parameters(method, url, post_data))
            return type(wire).request(wire, method, url, headers, post_data, **rest)

        wire.request = request  # type: ignore[method-assign]
        return wire

    client.transport = judged_transport
    client.stripe_client()  # the process keeps it from now on, with the wire that is judged
    client.transport = build


def _path_and_parameters(method: str, url: str, post_data: Any) -> tuple[str, dict[str, Any]]:
    address = urlsplit(url)
    form = post_data.decode() if isinstance(post_data, bytes) else post_data or ""
    return address.path, read_form(form if method.lower() == "post" else address.query)
