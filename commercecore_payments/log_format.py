"""In which form the log is written: asked by the settings, and by gunicorn's first process, which logs and never loads them."""

from django.core.exceptions import ImproperlyConfigured

from commercecore_payments.environment_variables import EnvironmentVariables

# JSON for programs that collect logs; lines for whoever looks at a terminal.
JSON, LINE = "json", "line"
FORMATS = (JSON, LINE)


def log_format(env: EnvironmentVariables) -> str:
    """LOG_FORMAT; without it lines in the sandbox and with DEBUG, and else JSON. Raises ImproperlyConfigured."""
    in_sandbox = env.bool("STRIPE_SANDBOX", default=not env.str("STRIPE_SECRET_KEY", default=""))
    found: str = env.str("LOG_FORMAT", default=LINE if in_sandbox or env.bool("DEBUG", default=False) else JSON)
    if found not in FORMATS:
        raise ImproperlyConfigured("LOG_FORMAT has to be json or line.")
    return found
