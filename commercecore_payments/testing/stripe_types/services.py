"""Services that tests start beside themselves: they judge their own traffic, and tell the tests by files in a shared folder.

Each process of a service appends to a file of its own, a line for each verdict as it falls: so nothing is lost when the
process is killed, and a line that its end cut short harms no other.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from commercecore_payments.testing.stripe_types.judge import Problems
from commercecore_payments.testing.stripe_types.traffic import Keep

# The environment variable that names the folder. The description of Stripe's API stands beside the folder.
FOLDER_VARIABLE = "STRIPE_TYPES_FOLDER"


def writing_into(folder: Path) -> Keep:
    """In a service: a function that writes down each verdict. A thread's line stands whole between those of others."""
    file = os.open(folder / f"{secrets.token_hex(8)}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def keep(judged: str, problems: Problems) -> None:
        os.write(file, json.dumps([judged, problems]).encode() + b"\n")

    return keep


def reading_from(folder: Path) -> Callable[[], Iterator[tuple[str, Problems]]]:
    """In a test run: a function that tells, at each call, the verdicts that were written since the last one."""
    read: dict[Path, int] = {}

    def new() -> Iterator[tuple[str, Problems]]:
        for file in sorted(folder.glob("*.jsonl")):
            with file.open("rb") as lines:
                lines.seek(read.get(file, 0))
                whole = [line for line in lines if line.endswith(b"\n")]
            read[file] = read.get(file, 0) + sum(map(len, whole))
            for line in whole:
                judged, problems = json.loads(line)
                yield judged, problems

    return new
