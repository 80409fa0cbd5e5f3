"""gunicorn's own log, without secrets: addresses are part of it, and some of ours open something."""

from collections.abc import Mapping
from typing import Any

from gunicorn.glogging import Logger

from commercecore_payments.logs import without_secrets


class AccessLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    def atoms(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: Any) -> dict[str, Any]:
        """What the format of the access log may name, each text without its secrets."""
        found = super().atoms(resp, req, environ, request_time)
        return {name: without_secrets(value) if isinstance(value, str) else value for name, value in found.items()}
