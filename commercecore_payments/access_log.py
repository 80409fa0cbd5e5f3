"""gunicorn's own logs, in the form of ours and without secrets: addresses and headers are in them, and some open something."""

from collections.abc import Mapping
from typing import Any

from gunicorn.glogging import Logger

from commercecore_payments.environment_variables import EnvironmentVariables
from commercecore_payments.log_format import log_format
from commercecore_payments.log_lines import LogFormatter
from commercecore_payments.logs import without_secrets


class HidingLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    def setup(self, cfg: Any) -> None:
        """Its errors quote requests that it refuses: they pass the same formatter as our own log."""
        super().setup(cfg)
        formatter = LogFormatter(log_format(EnvironmentVariables()))
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(formatter)

    def atoms(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: Any) -> dict[str, Any]:
        """What the format of the access log may name, each text without its secrets."""
        found = super().atoms(resp, req, environ, request_time)
        return {name: without_secrets(value) if isinstance(value, str) else value for name, value in found.items()}
