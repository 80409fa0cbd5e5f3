"""Django's middleware for people at a browser: sessions, who is logged in, and messages for the next page.

A request to the API, from Stripe or from Prometheus proves itself by its own token or signature. Nobody reads a session there, so
none is prepared. What every answer needs, such as its headers, stands in settings.MIDDLEWARE as Django has it.
"""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest

# Below these addresses nobody has a session.
WITHOUT_SESSION = ("/api", "/webhooks/stripe", "/metrics")
# As Django makes them: SessionBase._get_new_session_key.
SESSION_KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)


class OnPagesAlone:
    """Put before a middleware: requests without a session go past it."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path.startswith(WITHOUT_SESSION):
            return self.get_response(request)  # type: ignore[attr-defined]  # MiddlewareMixin's
        return super().__call__(request)  # type: ignore[misc]


class SessionMiddleware(OnPagesAlone, sessions.SessionMiddleware):
    """`request.session`. What a cookie holds that was never a key of ours is not looked for: a quoted one may even hold a NUL."""

    def process_request(self, request: HttpRequest) -> None:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        request.session = self.SessionStore(key if SESSION_KEY.fullmatch(key) else None)


class AuthenticationMiddleware(OnPagesAlone, auth.AuthenticationMiddleware):
    """`request.user`"""


class MessageMiddleware(OnPagesAlone, messages.MessageMiddleware):
    """What django.contrib.messages says on the next page."""
