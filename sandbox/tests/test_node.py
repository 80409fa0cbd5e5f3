"""The sandbox as a program in another language meets it: Stripe's library for Node.js, over HTTP, at the running service."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from commercecore_payments.tests.service import PROJECT_DIR, environment_of_its_own, serving

PROGRAM = Path(__file__).parent / "node" / "life_of_a_payment.mjs"
NODE, NPM = shutil.which("node"), shutil.which("npm")
MANIFESTS = [PROGRAM.with_name("package.json"), PROGRAM.with_name("package-lock.json")]
# Seconds. The download is some megabytes, and the life some hundred requests.
INSTALLATION_TIMEOUT_S = 300
LIFE_TIMEOUT_S = 300


def cannot_run(reason: str) -> None:
    """Skips the test on a developer's machine; where everything has to be there, it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def node_packages(tmp_path: Path) -> Path:
    """The folder with exactly the packages of package-lock.json, installed once for each version of it."""
    if NODE is None or NPM is None:
        cannot_run("Node.js is not installed: apt-get install nodejs npm")
    digest = hashlib.sha256(b"".join(manifest.read_bytes() for manifest in MANIFESTS)).hexdigest()[:16]
    folder = PROJECT_DIR / ".venv" / "node" / digest
    if not folder.exists():
        install(tmp_path / "packages", folder)
    return folder


def install(new: Path, folder: Path) -> None:
    """Installs the packages beside their place and moves them there whole: two runs may do it at once."""
    new.mkdir()
    for manifest in MANIFESTS:
        shutil.copy(manifest, new)
    command = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=new, capture_output=True, text=True, timeout=INSTALLATION_TIMEOUT_S)
    if done.returncode:
        cannot_run(f"npm could not install Stripe's library: {done.stderr.strip()}")
    beside = folder.with_suffix(f".{os.getpid()}")
    shutil.copytree(new, beside)
    try:
        beside.rename(folder)
    except OSError:  # another run was first; its folder holds the same
        shutil.rmtree(beside)
    assert folder.exists()


class TestStripesLibraryForNode:
    def test_lives_the_whole_life_of_a_payment(self, tmp_path: Path, node_packages: Path) -> None:
        with environment_of_its_own(tmp_path / "service") as environment, serving(environment):
            variables = {**os.environ, "PORT": environment["PORT"], "NODE_PACKAGES": str(node_packages)}
            done = subprocess.run([str(NODE), PROGRAM], env=variables, capture_output=True, text=True, timeout=LIFE_TIMEOUT_S)
        assert (done.returncode, done.stdout) == (0, "The whole life was lived.\n"), done.stderr
