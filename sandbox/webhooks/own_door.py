"""The way of the sandbox's events into this service: the door at which Stripe's own events arrive, within this process.

They are signed like every other event. However the service is reached from outside, its own events need no network.
"""

import io

from django.core.handlers.wsgi import WSGIRequest
from django.urls import resolve, reverse

from sandbox.webhooks.receivers import NotDelivered

# No address of any network (RFC 2606, section 2): what stands for it is this process.
URL = "https://this-service.invalid/webhooks/stripe"


def post(text: str, signature: str) -> int:
    """The status with which this service answers an event. Raises NotDelivered where it fails, as a server's 500 would."""
    path, body = reverse("stripe-webhooks"), text.encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "this-service.invalid",
        "SERVER_PORT": "443",
        "CONTENT_TYPE": "application/json; charset=utf-8",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_STRIPE_SIGNATURE": signature,
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "https",
    }
    try:
        return int(resolve(path).func(WSGIRequest(environ)).status_code)
    except Exception as error:  # as a server would tell it: whatever went wrong is a failed delivery, and comes again
        raise NotDelivered(f"The service failed: {type(error).__name__}: {error}") from error
