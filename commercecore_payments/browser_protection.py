"""What an answer tells a browser to refuse: scripts, frames, devices, caches. Each area has the strictest policy that it bears.

A view whose page needs another policy says so with django-csp's decorators (`csp_replace`, `csp_update`, `csp`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from csp.constants import HEADER, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control

Directives = Mapping[str, Sequence[str]]

# Answers that are no page, those of the API above all: whoever gets a browser to show one gets nothing out of it.
NO_PAGE: Directives = {"default-src": [NONE], "frame-ancestors": [NONE], "base-uri": [NONE], "form-action": [NONE]}
NO_PAGE_POLICY = build_policy(dict(NO_PAGE))
# Our own pages have no script and no style of their own in them. `data:` is the icon of a select in their stylesheet.
PAGE: Directives = {
    "default-src": [NONE],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "base-uri": [NONE],
}
# A challenge that was met sends the buyer back to the shop, wherever that is, and Chromium holds the redirect that answers a form
# to `form-action` as well (https://github.com/w3c/webappsec-csp/issues/8).
SANDBOX: Directives = {**PAGE, "form-action": [SELF, "https:", "http:"]}
# django-unfold: Alpine.js makes functions of its attributes' texts, and the theme's colours stand in a style element. No script
# stands in a page, so none that somebody brings into one is run.
ADMIN: Directives = {
    **PAGE,
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "connect-src": [SELF],
}
# Addresses whose answers are somebody's own: neither a browser nor a proxy keeps them.
PRIVATE = ("/admin", "/onboarding/", "/sandbox")
# Nothing here uses a device, the sensors or the payment sheet of a browser (https://www.w3.org/TR/permissions-policy).
UNUSED_FEATURES = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer", "microphone",
    "midi", "payment", "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES)


class ContentSecurityPolicy(CSPMiddleware):
    """Gives each answer the policy of its area, unless its view has one of its own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """What is no page, and has no policy of its own, is given the same text each time: django-csp would compose it anew."""
        if is_page(response) or any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, NO_PAGE_POLICY)
        return response

    def get_policy_parts(self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None:
            parts.config = dict(policy_of(request, response))
        return parts


def is_page(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/html")


def policy_of(request: HttpRequest, response: HttpResponseBase) -> Directives:
    """The policy of an answer by what it is and where it was asked for."""
    if not is_page(response):
        return NO_PAGE
    if request.path.startswith("/admin/"):
        return ADMIN
    return SANDBOX if request.path.startswith("/sandbox/") else PAGE


def other_protections(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], Any]:
    """The headers beside Django's own: no device, no other site that embeds an answer, and no cache of what is private."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.path.startswith(PRIVATE):
            patch_cache_control(response, no_store=True)
        return response

    return handle
