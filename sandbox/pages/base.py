"""What every page of the sandbox has in common."""

from collections.abc import Callable
from functools import wraps

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sandbox.api import waiting
from sandbox.api.errors import StripeError
from sandbox.timeline import due

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


def staff_page_of_the_present(*methods: str) -> Callable[[Page], Page]:
    """A page for the staff that shows or changes objects: what has become due is carried out before, as at each request."""

    def mark(view: Page) -> Page:
        @wraps(view)
        def look(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            due.carry_out_due()
            return view(request, *args, **kwargs)

        return staff_page(*methods)(look)

    return mark


def carried_out(request: HttpRequest, stripe_id: str, order: Callable[[], object], *, refused: str) -> HttpResponse:
    """Carries out an order about an object, and shows the object; where it is not legal, says so under the heading `refused`."""
    try:
        with waiting.refused_in_vain():
            order()
    except StripeError as error:
        return message(request, refused, str(error), status=error.status)
    return HttpResponseRedirect(reverse("sandbox:object", args=[stripe_id]))


def message(request: HttpRequest, heading: str, text: str, *, status: int = 200) -> HttpResponse:
    """A page with one thing to say."""
    return render(request, "sandbox/message.html", {"heading": heading, "text": text}, status=status)
