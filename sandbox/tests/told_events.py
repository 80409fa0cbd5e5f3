"""What the tests ask of the events that the sandbox told."""

from collections.abc import Callable
from typing import Any

from sandbox.tests.conftest import Options, Services

# Gives the names of a seller's events since it was last called: the fixture `told`.
Told = Callable[[], list[str]]


def newest(v1: Services, options: Options, event_type: str) -> Any:
    """The newest event of a type."""
    return v1.events.list({"type": event_type}, options).data[0]
