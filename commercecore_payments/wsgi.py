"""The WSGI application that gunicorn serves."""

import os

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application


class Utf8Request(WSGIRequest):
    """Reads addresses and forms as UTF-8, whatever charset a Content-Type names.

    Django would decode them with any codec of Python's of that name, the query of a GET too. Some are none for text, and fail
    before any middleware is asked; others read a NUL where none is written. Bodies in JSON are UTF-8 in any case.
    """

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
