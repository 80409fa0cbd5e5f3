"""Who logs in wrongly too often is locked out for a while: what django-axes, which keeps count, is told for it.

Nothing tells whether a user of the name exists: wrong names are counted, locked out and answered like wrong passwords, and
Django spends the time of a password's hash on both.
"""

import ipaddress
from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.contrib import admin
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


class LockoutHandler(AxesDatabaseHandler):  # type: ignore[misc]  # django-axes has no types
    """Knows two limits, where django-axes has one: AXES_FAILURE_LIMIT for one address, and LOGIN_FAILURES_FROM_ANYWHERE."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """The failures from the request's own address; those from anywhere count as much less as their limit is higher."""
        here, anywhere = (
            attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
            for attempts in self.get_user_attempts(request, credentials)
        )
        return max(here, anywhere * settings.AXES_FAILURE_LIMIT // settings.LOGIN_FAILURES_FROM_ANYWHERE)


def client_address(request: HttpRequest) -> str | None:
    """The address that a login comes from, as the last proxy of our own has seen it.

    Each proxy appends to X-Forwarded-For whom it was asked by; what stands further left is what a stranger says of themselves.
    """
    direct = request.META.get("REMOTE_ADDR") or None
    said = [address.strip() for address in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if not 0 < settings.TRUSTED_PROXY_COUNT <= len(said):
        return direct
    try:
        return str(ipaddress.ip_address(said[-settings.TRUSTED_PROXY_COUNT]))
    except ValueError:
        return direct


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """The page that a locked out client is shown, whoever they are, instead of the form."""
    context = {
        **admin.site.each_context(request),
        "title": "Too many failed logins",
        "minutes": settings.AXES_COOLOFF_TIME // timedelta(minutes=1),
    }
    answer = TemplateResponse(request, "commercecore_payments/admin/locked_out.html", context, status=429)
    answer["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return answer.render()
