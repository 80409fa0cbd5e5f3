"""The header that orders a fault: `Sandbox-Fault: time_out_after; path=/confirm; times=2; delay_s=1.5`."""

import re

from sandbox.api.errors import ParameterRefused
from sandbox.faults.fault_kinds import DELAYING, LONGEST_REQUEST_DELAY_S, METHODS, MOST_TIMES, REQUEST_KINDS, Fault

HEADER = "Sandbox-Fault"
# What each part may be; a part that is none of these is a slip of the writer, who must learn of it.
_PARTS = {
    "method": re.compile("|".join(METHODS)),
    "path": re.compile(r"[!-:<-~]{1,255}"),  # visible ASCII, without the semicolon that parts the parts
    "times": re.compile(r"[0-9]{1,4}"),
    "delay_s": re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?"),
}


def read_header(text: str) -> Fault:
    """The fault that a header orders. Raises ParameterRefused, which names the header, where it is malformed."""
    kind, *rest = (part.strip() for part in text.split(";"))
    if kind not in REQUEST_KINDS:
        raise _malformed(f"the kind is one of {', '.join(sorted(REQUEST_KINDS))}")
    parts = dict(_read_part(part) for part in rest)
    if len(parts) != len(rest):
        raise _malformed("each part stands once")
    times, delay_s = int(parts.get("times", "1")), float(parts.get("delay_s", "0"))
    if not 1 <= times <= MOST_TIMES:
        raise _malformed(f"times is between 1 and {MOST_TIMES}")
    if delay_s > LONGEST_REQUEST_DELAY_S:
        raise _malformed(f"delay_s is at most {LONGEST_REQUEST_DELAY_S} seconds")
    if kind in DELAYING and delay_s == 0:
        raise _malformed(f"{kind} needs a delay_s above 0")
    return Fault(kind, method=parts.get("method", ""), path=parts.get("path", ""), times=times, delay_s=delay_s)


def _read_part(part: str) -> tuple[str, str]:
    name, _, value = (piece.strip() for piece in part.partition("="))
    pattern = _PARTS.get(name)
    if pattern is None or not pattern.fullmatch(value):
        raise _malformed(f"a part is method, path, times or delay_s with its value, and not '{part[:50]}'")
    return name, value


def _malformed(rule: str) -> ParameterRefused:
    return ParameterRefused(f"Malformed header {HEADER}: {rule}.", param=HEADER)
