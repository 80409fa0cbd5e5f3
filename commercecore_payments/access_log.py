"""gunicorn's own logs, without secrets: addresses and headers are part of them, and some of ours open something."""

from collections.abc import Mapping
from typing import Any

from gunicorn.glogging import Logger

from commercecore_payments.logs import HidingFormatter, without_secrets


class HidingLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    def setup(self, cfg: Any) -> None:
        """Its errors quote requests that it refuses: they pass the same formatter as our own log."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(HidingFormatter(self.error_fmt, self.datefmt))

    def atoms(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: Any) -> dict[str, Any]:
        """What the format of the access log may name, each text without its secrets."""
        found = super().atoms(resp, req, environ, request_time)
        return {name: without_secrets(value) if isinstance(value, str) else value for name, value in found.items()}
