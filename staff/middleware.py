"""Who of the staff is at work, for every entry that django-auditlog writes during a request of the admin."""

from collections.abc import Callable
from functools import cache

from auditlog.context import set_extra_data
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from commercecore_payments.login_lockout import client_address


def staff_on_record(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Entries name the user, the remote address and the request. The API's requests have no staff, and pay for nothing."""

    def handle(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(_admin()):
            return get_response(request)
        known = {
            "actor": request.user if request.user.is_authenticated else None,
            "remote_addr": client_address(request),
            "cid": getattr(request, "request_id", None),
        }
        with set_extra_data(known):
            return get_response(request)

    return handle


@cache
def _admin() -> str:
    """Where the admin begins: every request asks, and the address stays."""
    return reverse("admin:index")
