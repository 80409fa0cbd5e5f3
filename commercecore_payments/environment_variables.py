"""Reads the environment, and says in one sentence which of its variables cannot be read."""

import json
from datetime import time
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class _FilesToo(FileAwareMapping):  # type: ignore[misc]  # environ has no types
    """The environment, in which NAME_FILE names the file that holds NAME: how containers are handed their secrets."""

    def __getitem__(self, key: str) -> str:
        return str(super().__getitem__(key)).rstrip("\n")  # editors and `echo` end a file with one


class EnvironmentVariables(environ.Env):  # type: ignore[misc]
    ENVIRON = _FilesToo(cache=False)

    def get_value(self, var: str, cast: Any = None, *arguments: Any, **options: Any) -> Any:
        """Raises ImproperlyConfigured without the value, which may be a secret."""
        try:
            return super().get_value(var, cast, *arguments, **options)
        except OSError as error:
            raise ImproperlyConfigured(f"{var}_FILE names a file that cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} has to be {MEANT.get(cast, 'something else')}.") from error

    def time_of_day(self, var: str, *, default: str) -> time | None:
        """A time of day in UTC, which names no zone; None where the variable is empty. Raises ImproperlyConfigured."""
        text = self.str(var, default=default)
        return self.get_value(var, _time_without_a_zone, default=_time_without_a_zone(default)) if text else None


def _time_without_a_zone(text: str) -> time:
    moment = time.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("The time names a zone.")
    return moment


# What a variable has to be that is read by this function.
MEANT = {
    int: "a whole number",
    float: "a number",
    json.loads: "JSON",
    _time_without_a_zone: "a time of day in UTC such as 03:00, or empty",
}
