"""The two pages that a seller sees here: the way into Stripe's onboarding, and the way out of it."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.errors import OnboardingLinkDead
from accounts.links import account_of_link, onboarding_url
from accounts.models import ConnectedAccount
from accounts.operations import open_onboarding, refresh_account
from commercecore_payments.errors import ServiceError


def _page_of_link(page: Callable[[HttpRequest, ConnectedAccount], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Finds the account whose link was opened, tells what goes wrong as a page, and keeps the link a secret."""

    @wraps(page)
    def handle(request: HttpRequest, token: str) -> HttpResponse:
        try:
            response = page(request, account_of_link(token))
        except OnboardingLinkDead as error:
            response = render(request, "accounts/link_problem.html", {"message": error.message}, status=410)
        except ServiceError as error:
            response = render(request, "accounts/link_problem.html", {"message": error.message}, status=int(error.status))
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        return response

    return require_safe(handle)


@_page_of_link
def open_onboarding_link(_: HttpRequest, account: ConnectedAccount) -> HttpResponse:
    """Makes a fresh link of Stripe's at each opening, and sends the seller there."""
    return HttpResponseRedirect(open_onboarding(account))


@_page_of_link
def onboarding_done(request: HttpRequest, account: ConnectedAccount) -> HttpResponse:
    """Where the seller comes back to. Coming back does not mean being done, so Stripe is asked."""
    refresh_account(account)
    return render(request, "accounts/onboarding_done.html", {"account": account, "continue_url": onboarding_url(account)})
