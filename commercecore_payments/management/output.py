"""Files that a command writes its result into."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path


def replace_file(output: Path, pieces: Iterable[str]) -> None:
    """Writes the file whole or not at all: where the pieces end in an error, what stood there stays. Raises OSError.

    What is no file, such as /dev/stdout or a pipe, is written to as it is.
    """
    if output.exists() and not output.is_file():
        with output.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        return
    target = _behind_links(output)
    unfinished = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:  # whoever may read it, by the umask, as of any new file
            file.writelines(pieces)
        if target.exists():
            shutil.copymode(target, unfinished)
        unfinished.replace(target)
    except BaseException:  # whatever ended it, half a result is none
        unfinished.unlink(missing_ok=True)
        raise


def refuse_unwritable(output: Path) -> None:
    """Raises OSError where `replace_file` could not write: now, and not after hours."""
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a directory.")
    if not output.exists() or output.is_file():
        tempfile.TemporaryFile(dir=_behind_links(output).parent).close()


def _behind_links(output: Path) -> Path:
    """A link goes on leading to the file; one that leads to itself is replaced by it."""
    return Path(os.path.realpath(output))
