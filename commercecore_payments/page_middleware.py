"""Django's middleware for people at a browser: sessions, who is logged in, and messages for the next page.

A request to the API, from Stripe or from Prometheus proves itself by its own token or signature. Nobody reads a session there, so
none is prepared. What every answer needs, such as its headers, stands in settings.MIDDLEWARE as Django has it.
"""

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest

# Below these addresses nobody has a session.
WITHOUT_SESSION = ("/api", "/webhooks/stripe", "/metrics")


class OnPagesAlone:
    """Put before a middleware: requests without a session go past it."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path.startswith(WITHOUT_SESSION):
            return self.get_response(request)  # type: ignore[attr-defined]  # MiddlewareMixin's
        return super().__call__(request)  # type: ignore[misc]


class SessionMiddleware(OnPagesAlone, sessions.SessionMiddleware):
    """`request.session`"""


class AuthenticationMiddleware(OnPagesAlone, auth.AuthenticationMiddleware):
    """`request.user`"""


class MessageMiddleware(OnPagesAlone, messages.MessageMiddleware):
    """What django.contrib.messages says on the next page."""
