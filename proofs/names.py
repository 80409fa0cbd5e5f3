"""The names by which --operation takes one thing alone: `python -m proofs.names crash` prints those of a part, one a line.

They stand beside what they name, which needs Django. It is set up once a process, and a part that is proven wants it on a
database of its own: so the names are read in a process of their own, without any.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module

from proofs.database import join
from proofs.report import PROJECT_DIR

# Of each part that takes --operation: the module, and the table in it.
TABLES: Mapping[str, tuple[str, str]] = {
    "crash": ("proofs.scenes", "CASES"),
    "races": ("proofs.races", "RACES"),
    "mutations": ("proofs.planted_bugs", "BUGS"),
}


def names_of(part: str) -> list[str]:
    """The operations of a part. Raises `CalledProcessError` where they cannot be read; its process has said why."""
    command = [sys.executable, "-m", "proofs.names", part]
    told = subprocess.run(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True, check=True)
    return told.stdout.split()


def tell(part: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"COMMERCECORE_STATE_DIR": folder, "DATABASE_URL": ""}
        join()
        module, table = TABLES[part]
        print("\n".join(each.name for each in getattr(import_module(module), table)))


if __name__ == "__main__":
    tell(sys.argv[1])
