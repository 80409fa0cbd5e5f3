"""The pages of the documentation as tests read them: their fenced blocks, their shell lines, their links and anchors."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from commercecore_payments.tests.service import PROJECT_DIR

# Fences that are executed, and those that show what the one before printed.
EXECUTED, ANSWERS = "bash", ("json", "text")
# A shell's line that is not executed stands in a fence of this kind, and in the list of test_docs_pages.py.
NOT_EXECUTED = "sh"

_FENCE = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
# What begins a line for a shell: a program that the pages name, perhaps behind a prompt and variables.
_SHELL_LINE = re.compile(
    r"^\s*(\$ )?([A-Z_]+=\S* )*"
    r"(make|curl|docker|python3?|pip|git|psql|pg_dump|openssl|gunicorn|kill|export|kubectl|npm|node|cd|source|\.venv/bin/\w+|"
    r"(python )?manage\.py)( |$)"
)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<title>.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `answer` is what the page says that an executed one prints; empty where it prints nothing."""

    language: str
    text: str
    answer: str = ""
    answer_language: str = "text"


def pages() -> list[str]:
    """Every page, as a path in the repository: README.md, CHANGELOG.md, SECURITY.md and what stands in docs/."""
    names = [name for name in ("README.md", "CHANGELOG.md", "SECURITY.md") if (PROJECT_DIR / name).exists()]
    return [*names, *sorted(str(path.relative_to(PROJECT_DIR)) for path in (PROJECT_DIR / "docs").rglob("*.md"))]


def text_of(page: str) -> str:
    return (PROJECT_DIR / page).read_text()


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page. An executed one takes the next fence as its answer where that is of such a kind."""
    fences = [(found["language"], found["text"]) for found in _FENCE.finditer(text)]
    for (language, inside), (next_language, shown) in pairwise([*fences, ("", "")]):
        if language == EXECUTED and next_language in ANSWERS:
            yield Block(language, inside, shown, next_language)
        else:
            yield Block(language, inside)


def executed_blocks(text: str) -> list[Block]:
    return [block for block in blocks(text) if block.language == EXECUTED]


def shell_lines_outside(text: str) -> list[str]:
    """Lines for a shell that stand neither in an executed block nor in one that says that it is not."""
    rest = _FENCE.sub(lambda found: "" if found["language"] in (EXECUTED, NOT_EXECUTED) else found[0], text)
    fenced = [line for found in _FENCE.finditer(rest) for line in found["text"].splitlines()]
    indented = [line for line in _FENCE.sub("", rest).splitlines() if line.startswith("    ")]
    return [line.strip() for line in [*fenced, *indented] if _SHELL_LINE.match(line)]


def broken_links(page: str) -> list[str]:
    """The relative links of a page that lead to no file, or to no heading of it."""
    targets = [found["target"] for found in _LINK.finditer(_without_code(text_of(page)))]
    relative = [target for target in targets if not re.match(r"[a-z]+:", target)]
    return [target for target in relative if not _leads_somewhere(PROJECT_DIR / page, target)]


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not anchor or (file.suffix == ".md" and anchor in anchors(file.read_text()))


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them: small letters, no punctuation, hyphens for spaces."""
    titles = [re.sub(r"[^\w\- ]", "", found["title"].lower()) for found in _HEADING.finditer(_FENCE.sub("", text))]
    return {title.replace(" ", "-") for title in titles}


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
