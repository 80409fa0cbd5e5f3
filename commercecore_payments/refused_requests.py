"""What the log says of a request that Django refused by itself: that, and no more.

Whoever reaches the service can send a host that is not ours or a form that is too large, as often as they like. Django writes
each down as an error with its traceback; nothing of ours has failed.
"""

import logging

from commercecore_payments.logs import without_secrets

# Those of Django's loggers whose records somebody can cause by a request that is answered with 400
# (docs.djangoproject.com/en/5.2/ref/logging/#django-security and ref/exceptions/#suspiciousoperation).
REFUSING_LOGGERS = (
    "django.request",
    "django.security.DisallowedHost",
    "django.security.DisallowedModelAdminLookup",
    "django.security.RequestDataTooBig",
    "django.security.TooManyFieldsSent",
    "django.security.TooManyFilesSent",
)
# Letters of a text. Django's sentence about an unknown host repeats it twice: a real one of 60 letters fits. Our own choice.
LONGEST_TEXT = 200


class Briefly(logging.Filter):
    """A refused request is one short warning without a traceback; what failed is told as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not 400 <= getattr(record, "status_code", 500) < 500:
            return True
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        record.exc_info = record.exc_text = None
        text = without_secrets(record.getMessage())  # before it is cut: half of a secret would have no shape
        if len(text) > LONGEST_TEXT:
            record.msg, record.args = f"{text[: LONGEST_TEXT - 1]}…", ()
        return True
