"""What a check comes to."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How grave it is: a FAIL ends `manage.py doctor` with 1."""

    OK = "OK"
    WARN = "WARN"  # it works, and somebody should know
    FAIL = "FAIL"  # something does not work, or not for long


@dataclass(frozen=True, slots=True)
class Verdict:
    """`what` was found, in words; `cure` says what to do about it, where there is anything to do."""

    level: Level
    what: str
    cure: str = ""


def ok(what: str) -> Verdict:
    """All is well with it."""
    return Verdict(Level.OK, what)


def warn(what: str, cure: str) -> Verdict:
    """It works, and somebody should know."""
    return Verdict(Level.WARN, what, cure)


def fail(what: str, cure: str) -> Verdict:
    """It does not work, or not for long."""
    return Verdict(Level.FAIL, what, cure)
