"""Who of the staff is at work, for every entry that django-auditlog writes during a request of the admin."""

from collections.abc import Callable
from ipaddress import ip_address

from auditlog.context import set_extra_data
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


def staff_on_record(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Entries name the user, the remote address and the request. The API's requests have no staff, and pay for nothing."""

    def handle(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(reverse("admin:index")):
            return get_response(request)
        known = {
            "actor": request.user if request.user.is_authenticated else None,
            "remote_addr": remote_address(request),
            "cid": getattr(request, "request_id", None),
        }
        with set_extra_data(known):
            return get_response(request)

    return handle


def remote_address(request: HttpRequest) -> str | None:
    """Where the request came from: behind a proxy of ours the last address that it names, which the proxy itself has seen.

    Everything before the last is the caller's own word. None where there is no address, as on a local socket.
    """
    forwarded = request.headers.get("X-Forwarded-For", "") if getattr(settings, "SECURE_PROXY_SSL_HEADER", None) else ""
    for text in (forwarded.rpartition(",")[2].strip(), str(request.META.get("REMOTE_ADDR", ""))):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return None
