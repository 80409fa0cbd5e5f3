"""Files that a command writes its result into."""

import os
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
    target = output.resolve()  # a link goes on leading to the file
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(pieces)
        Path(name).replace(target)
    except BaseException:  # whatever ended it, half a result is none
        Path(name).unlink()
        raise


def refuse_unwritable(output: Path) -> None:
    """Raises OSError where `replace_file` could not write: now, and not after hours."""
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a directory.")
    if not output.exists() or output.is_file():
        tempfile.TemporaryFile(dir=output.resolve().parent).close()
