"""What orchestrators and load balancers ask: `/livez`, whether the process answers, and `/readyz`, whether to send it requests.

Both are answered before all else: a probe comes by an address that is no allowed host, without TLS and without a token. Nothing
is told but yes or no; why not is in the log.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from commercecore_payments.readiness import readiness

LIVENESS, READINESS = "/livez", "/readyz"
METHODS = ("GET", "HEAD")


def answer_probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The first middleware. 200 for yes, 503 for no. Liveness asks no database: restarting us would not mend one."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.method in METHODS and request.path == LIVENESS:
            return _answer(True)
        if request.method in METHODS and request.path == READINESS:
            return _answer(readiness.is_ready())
        return get_response(request)

    return handle


def _answer(yes: bool) -> HttpResponse:
    body, status = ("ok\n", 200) if yes else ("unavailable\n", 503)
    response = HttpResponse(body, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})
    # Django would log each 503 as an error of ours, some hundred times in an outage: what is wrong was logged once a look.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
