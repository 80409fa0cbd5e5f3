"""The sandbox's pages: onboarding, the Express dashboard, and the 3-D Secure challenge.

Each is reached by an unguessable token in its address, which Stripe's answers hand out.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from sandbox.connect import deauthorization
from sandbox.connect.onboarding import UnknownAccount, complete_onboarding
from sandbox.models import SandboxLink, SandboxObject
from sandbox.money import authentication, challenges
from sandbox.money.currencies import spoken
from sandbox.objects import journal, state
from sandbox.pages.base import message, sandbox_page
from sandbox.pages.dashboard import method_name, read_dashboard
from sandbox.pages.forms import OnboardingForm
from sandbox.timeline import clock, due

# Long enough to fill a form in; Stripe publishes no lifetime of an opened one.
FORM_LIFETIME = timedelta(hours=1)

NOT_FOUND = ("There is nothing here", "This address is wrong, or its account no longer exists.")
OVER = ("This link is over", "A login link opens the dashboard once, and only for a few minutes. Ask for a new one.")
CLOSE = ("You may close this page", "The shop goes on from here.")


@sandbox_page("GET", "POST")
def onboarding(request: HttpRequest, account_id: str, token: str) -> HttpResponse:
    """Stripe's onboarding form. A link that was opened before, or has expired, leads to its refresh_url."""
    link = SandboxLink.objects.filter(kind=SandboxLink.Kind.ONBOARDING, account_id=account_id, token=token).first()
    account = deauthorization.connected(account_id)
    if link is None or account is None:
        return message(request, *NOT_FOUND, status=404)
    if request.method == "POST":
        return _submit_onboarding(request, link, account)
    if not _open(link):
        return HttpResponseRedirect(link.refresh_url)
    return _onboarding_form(request, link, OnboardingForm(account))


@sandbox_page("GET")
def express_dashboard(request: HttpRequest, account_id: str, token: str) -> HttpResponse:
    """The seller's dashboard, opened once by its login link."""
    due.carry_out_due()
    link = SandboxLink.objects.filter(kind=SandboxLink.Kind.DASHBOARD, account_id=account_id, token=token).first()
    account = deauthorization.connected(account_id)
    if link is None or account is None:
        return message(request, *NOT_FOUND, status=404)
    if not _open(link):
        return message(request, *OVER, status=410)
    return render(request, "sandbox/express_dashboard.html", {"dashboard": read_dashboard(account)})


@sandbox_page("GET", "POST")
def challenge(request: HttpRequest, intent_id: str, token: str) -> HttpResponse:
    """The 3-D Secure challenge of a payment or a setup; afterwards the buyer goes to the intent's return_url."""
    try:
        if request.method == "POST":
            authenticated = request.POST.get("outcome") == "complete"
            intent = authentication.finish_challenge(intent_id=intent_id, token=token, authenticated=authenticated)
            return _leave_challenge(request, intent)
        intent = authentication.find_challenge(intent_id=intent_id, token=token)
    except authentication.UnknownChallenge:
        return message(request, *NOT_FOUND, status=404)
    if not authentication.is_open(intent):
        return _leave_challenge(request, intent)
    return render(request, "sandbox/challenge.html", {"challenge": _challenge_facts(intent)})


def _open(link: SandboxLink) -> bool:
    """Uses a link up. False where it was opened before, or has expired; of two at once, one opens it."""
    now: datetime = clock.now()
    rows = SandboxLink.objects.filter(pk=link.pk, opened_at__isnull=True, expires_at__gt=now)
    return rows.update(opened_at=now) == 1


def _onboarding_form(request: HttpRequest, link: SandboxLink, form: OnboardingForm, *, status: int = 200) -> HttpResponse:
    shown = {"form": form, "account_id": link.account_id, "return_url": link.return_url}
    return render(request, "sandbox/onboarding.html", shown, status=status)


def _submit_onboarding(request: HttpRequest, link: SandboxLink, account: SandboxObject) -> HttpResponse:
    if link.completed_at is not None:
        return HttpResponseRedirect(link.return_url)
    if link.opened_at is None or link.opened_at <= clock.now() - FORM_LIFETIME:
        return HttpResponseRedirect(link.refresh_url)
    form = OnboardingForm(account, request.POST)
    if not form.is_valid():
        return _onboarding_form(request, link, form, status=400)
    try:
        with journal.change():
            complete_onboarding(account_id=link.account_id, details=form.details())
            SandboxLink.objects.filter(pk=link.pk).update(completed_at=clock.now())
    except UnknownAccount:
        return message(request, *NOT_FOUND, status=404)
    return HttpResponseRedirect(link.return_url)


def _leave_challenge(request: HttpRequest, intent: SandboxObject) -> HttpResponse:
    back = challenges.return_url(intent)
    if not back:
        return message(request, *CLOSE)
    kind = intent.object_type
    told = {
        kind: intent.stripe_id,
        f"{kind}_client_secret": intent.data["client_secret"],
        "redirect_status": authentication.redirect_status(intent),
    }
    address = urlsplit(back)
    query = "&".join(part for part in (address.query, urlencode(told)) if part)
    return HttpResponseRedirect(urlunsplit(address._replace(query=query)))


def _challenge_facts(intent: SandboxObject) -> dict[str, Any]:
    account = state.find("", "account", intent.account) if intent.account else None
    method = state.find(intent.account, "payment_method", intent.data["payment_method"])
    amount = ""
    if intent.object_type == "payment_intent":
        currency = intent.data["currency"]
        amount = f"{spoken(intent.data['amount'], currency)} {currency.upper()}"
    return {
        "merchant": (account.data["business_profile"]["name"] or account.stripe_id) if account else "the marketplace",
        "amount": amount,
        "card": method_name(method) if method else "",
    }
