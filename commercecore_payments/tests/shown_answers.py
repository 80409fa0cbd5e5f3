"""Whether an example of a page prints what the page shows, which is shortened.

`…` stands for any text. Of an object the fields that are shown have to be there, with the values that are shown; of a list
every member, where its last one is not `…`. A moment, in seconds since 1970, stands for any other one.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from commercecore_payments.tests.documents import Block

LEFT_OUT = "…"
# The first moment of 2001: no amount of an example is as large, and no moment of ours as early.
A_MOMENT = 978_307_200


def differences(block: Block, printed: str) -> list[str]:
    """What differs between the answer that a page shows and what was printed; empty where nothing does."""
    if block.answer_language == "json":
        return list(_of_answers(block.answer, printed))
    return list(_of_lines(block.answer.splitlines(), printed.splitlines()))


def _of_answers(shown: str, printed: str) -> Iterator[str]:
    try:
        documents = _documents(printed)
    except json.JSONDecodeError:
        yield f"JSON is shown, and this was printed: {printed}"
    else:
        yield from _of_documents(_documents(shown), documents)


def _documents(text: str) -> list[Any]:
    """The JSON documents that stand one behind the other in `text`."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


def _of_documents(shown: list[Any], printed: list[Any]) -> Iterator[str]:
    if len(shown) != len(printed):
        yield f"{len(shown)} documents are shown, and {len(printed)} were printed: {printed}"
    for one, other in zip(shown, printed, strict=False):
        yield from _of_values("", one, other)


def _of_values(place: str, shown: Any, printed: Any) -> Iterator[str]:
    if isinstance(shown, dict) and isinstance(printed, dict):
        for name, value in shown.items():
            if name != LEFT_OUT and name not in printed:
                yield f"{place}.{name} is shown, and is not there: {printed}"
            elif name != LEFT_OUT:
                yield from _of_values(f"{place}.{name}", value, printed[name])
    elif isinstance(shown, list) and isinstance(printed, list):
        yield from _of_lists(place, shown, printed)
    elif not _is_alike(shown, printed):
        yield f"{place} is shown as {shown!r}, and was {printed!r}"


def _of_lists(place: str, shown: list[Any], printed: list[Any]) -> Iterator[str]:
    goes_on = shown[-1:] == [LEFT_OUT]
    members = shown[:-1] if goes_on else shown
    if len(printed) < len(members) or (len(printed) > len(members) and not goes_on):
        yield f"{place} has {len(printed)} members, and {len(members)} are shown: {printed}"
    for number, (one, other) in enumerate(zip(members, printed, strict=False)):
        yield from _of_values(f"{place}[{number}]", one, other)


def _is_alike(shown: Any, printed: Any) -> bool:
    if isinstance(shown, str) and isinstance(printed, str):
        return _pattern(shown).fullmatch(printed) is not None
    if type(shown) is int and type(printed) is int and min(shown, printed) >= A_MOMENT:
        return True
    return type(shown) is type(printed) and bool(shown == printed)


def _of_lines(shown: list[str], printed: list[str]) -> Iterator[str]:
    """A line of nothing but `…` stands for any number of lines."""
    pattern = "".join(r"(.*\n)*" if line == LEFT_OUT else f"{_pattern(line).pattern}\n" for line in shown)
    if not re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)):
        yield "\n".join(["shown:", *shown, "printed:", *printed])


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in text.split(LEFT_OUT)))
