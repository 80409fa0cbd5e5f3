"""Reads the environment, and says in one sentence which of its variables cannot be read."""

import json
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

# What a variable has to be that is read by this function.
MEANT = {int: "a whole number", float: "a number", json.loads: "JSON"}


class EnvironmentVariables(environ.Env):  # type: ignore[misc]  # environ has no types
    def get_value(self, var: str, cast: Any = None, *arguments: Any, **options: Any) -> Any:
        """Raises ImproperlyConfigured without the value, which may be a secret."""
        try:
            return super().get_value(var, cast, *arguments, **options)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} has to be {MEANT.get(cast, 'something else')}.") from error
