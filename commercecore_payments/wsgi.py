"""The WSGI application that gunicorn serves."""

import os
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application


class Utf8Request(WSGIRequest):
    """Reads addresses and forms as UTF-8, whatever charset a Content-Type names.

    Django would decode them with any codec of Python's of that name, the query of a GET too. Some are none for text, and fail
    before any middleware is asked; others read a NUL where none is written. Bodies in JSON are UTF-8 in any case.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        """Without the parameters of a Content-Type that are written as RFC 2231 has it: each may name a charset of its own.

        Nothing that is taken here needs them. A boundary holds no asterisk (RFC 2046, section 5.1.1).
        """
        named = environ.get("CONTENT_TYPE", "")
        if "*" in named:
            environ["CONTENT_TYPE"] = named.partition(";")[0]
        super().__init__(environ)

    @property
    def encoding(self) -> None:
        """None is settings.DEFAULT_CHARSET."""
        return None

    @encoding.setter
    def encoding(self, named: str | None) -> None:
        """Django's hook for what a Content-Type names."""


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commercecore_payments.settings")
application = get_wsgi_application()
application.request_class = Utf8Request
