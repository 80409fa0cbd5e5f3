"""Makes `.venv` and installs the pinned requirements named on the command line. The Makefile calls it; it needs no package.

Ready requirements cost nothing: what was installed is remembered in `.venv`, and compared by content.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
ENVIRONMENT = BASE_DIR / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
OLDEST_PYTHON = (3, 11)  # the language features that the project uses, and what its requirements are compiled for
PROBE = f"import pip, sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"


def main() -> None:
    """Installs each requirements file given that has changed since it was last installed."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"CommerceCore Payments needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")
    folder = os.open(BASE_DIR, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # two commands started at once install one after the other
    for name in sys.argv[1:]:
        if not is_installed(BASE_DIR / name):
            install(BASE_DIR / name)


def is_installed(requirements: Path) -> bool:
    """Whether exactly this text was the last to be installed from this file."""
    remembered = ENVIRONMENT / f"installed-{requirements.name}"
    return PYTHON.exists() and remembered.exists() and remembered.read_bytes() == requirements.read_bytes()


def install(requirements: Path) -> None:
    """Installs `requirements`, every file checked against its hash, and remembers that it did."""
    make_environment()
    print(f"Installing {requirements.name} into .venv ...", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
    if subprocess.run([*command, "-r", str(requirements)], check=False).returncode:
        sys.exit(f"{requirements.name} could not be installed: see pip's message above.")
    (ENVIRONMENT / f"installed-{requirements.name}").write_bytes(requirements.read_bytes())


def make_environment() -> None:
    """Makes the virtual environment, unless a working one is there. A half-made one is made anew."""
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-c", PROBE], check=False, capture_output=True).returncode == 0:
        return
    try:
        import ensurepip  # noqa: F401 - Debian ships venv without it
        import venv
    except ImportError:
        sys.exit("Python's venv module is incomplete. On Debian or Ubuntu: apt-get install python3-venv")
    print(f"Making .venv with Python {sys.version.split()[0]} ...", flush=True)
    venv.create(ENVIRONMENT, clear=True, with_pip=True, symlinks=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell reports after Ctrl-C
