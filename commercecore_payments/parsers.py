"""What a request body may be: one JSON object, of bounded size and depth."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

from commercecore_payments.errors import MalformedBody, TooLarge

# No documented body comes near it; an unbounded one would let a stranger fill the memory.
MAX_BODY_BYTES = 65_536

# Our deepest body is an object in an object: metadata. The rest is room for what is only refused later, by its name.
MAX_DEPTH = 16
# The fields of one object; each that is not known is named in the answer, which must not grow far beyond the question.
MAX_FIELDS = 500

# JSON can spell what no text may hold: it could be neither stored nor answered.
HALF_A_SURROGATE_PAIR = re.compile("[\ud800-\udfff]")


class ObjectParser(BaseParser):
    """Reads a JSON object. Refuses what is larger, deeper, repeated, not finite or not an object."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        raw: bytes = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge(f"The request body is larger than {MAX_BODY_BYTES} bytes.")
        try:
            # UTF-8 alone (RFC 8259, section 8.1): Python would guess at other encodings, which a filter in front reads otherwise.
            body = json.loads(raw.decode(), parse_constant=_refuse_constant, object_pairs_hook=_object_without_repeats)
        except RecursionError:
            raise MalformedBody("The request body is nested too deeply.") from None
        except ValueError:  # JSONDecodeError, UnicodeDecodeError, and an integer of more than 4,300 digits
            raise MalformedBody from None
        if not isinstance(body, dict):
            raise MalformedBody("The request body must be a JSON object.")
        _refuse_depth(body)
        return body


def _refuse_depth(body: Any) -> None:
    """Level by level, and not by calling itself: whatever reads the body afterwards may do so."""
    level = [body]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return
    raise MalformedBody(f"The request body is nested deeper than {MAX_DEPTH} levels.")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_constant(name: str) -> Any:
    raise MalformedBody(f"The request body is not valid JSON: {name} is no JSON number.")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A repeated key is refused: two readers would take different values for it."""
    if len(pairs) > MAX_FIELDS:
        raise MalformedBody(f"The request body names more than {MAX_FIELDS} fields in one object.")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedBody("The request body names a field twice.")
    if any(HALF_A_SURROGATE_PAIR.search(name) for name in found):
        raise MalformedBody("The request body names a field with half of a surrogate pair, which is no text.")
    return found
