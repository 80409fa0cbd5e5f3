"""What every page of the sandbox has in common."""

from collections.abc import Callable
from functools import wraps

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

# Nothing but our own stylesheet and icon. `form-action` is left out on purpose: browsers hold it against the redirect
# that answers a form, and that one leads to the shop.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"

Page = Callable[..., HttpResponse]


def sandbox_page(*methods: str) -> Callable[[Page], Page]:
    """Marks a view as a page of the sandbox: these methods alone, never stored, never indexed, no script or frame.

    HEAD is not among them, so that nothing but a visit uses up a one-time address.
    """

    def mark(view: Page) -> Page:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            response = view(request, *args, **kwargs)
            response["Cache-Control"] = "no-store"
            response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
            response["X-Robots-Tag"] = "noindex"
            response["Sandbox"] = "this is no real Stripe"
            return response

        return require_http_methods(list(methods))(answer)

    return mark


def staff_page(*methods: str) -> Callable[[Page], Page]:
    """A page of the sandbox that shows and changes every tenant's data: others are led to the admin's login."""

    def mark(view: Page) -> Page:
        return sandbox_page(*methods)(staff_member_required(view))

    return mark


def message(request: HttpRequest, heading: str, text: str, *, status: int = 200) -> HttpResponse:
    """A page with one thing to say."""
    return render(request, "sandbox/message.html", {"heading": heading, "text": text}, status=status)
