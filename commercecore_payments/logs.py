"""Keeps secrets out of the log, whatever line they would be in."""

import logging
import re

# Addresses that open something for whoever has them, and credentials by their shapes: our tokens, Stripe's keys and
# client secrets, and JSON Web Tokens.
SECRETS = re.compile(
    r"(?P<address>/(?:onboarding|sandbox/(?:connect/setup/e|express|3d-secure))/)[^\s?]+"
    r"|cct_[a-z]+_[A-Za-z0-9]+"
    r"|(?:sk|rk)_(?:test|live)_[A-Za-z0-9]+"
    r"|\bBasic [A-Za-z0-9+/=]{12,}"  # an Authorization header, whose user may be a key
    r"|\bBearer [A-Za-z0-9._~+/=-]{12,}"  # and one of OAuth's, whatever its token looks like (RFC 6750, 2.1)
    r"|whsec_[A-Za-z0-9+/=]+"
    r"|[a-z]+_[A-Za-z0-9]+_secret_[A-Za-z0-9]+"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)


class HidingFormatter(logging.Formatter):
    """Hides secrets in the finished line, the text of an exception and its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def without_secrets(text: str) -> str:
    return SECRETS.sub(lambda found: f"{found['address'] or ''}[hidden]", text)
