"""Programs of Node.js for tests: the packages that a folder's manifests name, installed once for each version of them."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from commercecore_payments.tests.service import PROJECT_DIR

NODE, NPM = shutil.which("node"), shutil.which("npm")
# Seconds. The downloads are some megabytes to some ten.
INSTALLATION_TIMEOUT_S = 300


def cannot_run(reason: str) -> None:
    """Skips the test on a developer's machine; where everything has to be there, it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def installed_packages(manifests: Path, beside: Path) -> Path:
    """The folder with exactly the packages of the package-lock.json in `manifests`; `beside` is for what is not whole yet."""
    if NODE is None or NPM is None:
        cannot_run("Node.js is not installed: apt-get install nodejs npm")
    files = [manifests / "package.json", manifests / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = PROJECT_DIR / ".venv" / "node" / digest
    if not folder.exists():
        _install(files, beside / "packages", folder)
    return folder


def _install(files: list[Path], new: Path, folder: Path) -> None:
    """Installs the packages beside their place and moves them there whole: two runs may do it at once."""
    new.mkdir()
    for file in files:
        shutil.copy(file, new)
    command = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=new, capture_output=True, text=True, timeout=INSTALLATION_TIMEOUT_S)
    if done.returncode:
        cannot_run(f"npm could not install the packages: {done.stderr.strip()}")
    beside = folder.with_suffix(f".{os.getpid()}")
    shutil.copytree(new, beside, symlinks=True)
    try:
        beside.rename(folder)
    except OSError:  # another run was first; its folder holds the same
        shutil.rmtree(beside)
    assert folder.exists()
