"""The sandbox as a program in another language meets it: Stripe's library for Node.js, over HTTP, at the running service."""

import os
import subprocess
from pathlib import Path

import pytest

from commercecore_payments.tests.node_packages import NODE, installed_packages
from commercecore_payments.tests.service import environment_of_its_own, serving

PROGRAM = Path(__file__).parent / "node" / "life_of_a_payment.mjs"
# Seconds. The life is some hundred requests.
LIFE_TIMEOUT_S = 300


@pytest.fixture
def node_packages(tmp_path: Path) -> Path:
    """The folder with exactly the packages of package-lock.json, installed once for each version of it."""
    return installed_packages(PROGRAM.parent, tmp_path)


class TestStripesLibraryForNode:
    def test_lives_the_whole_life_of_a_payment(self, tmp_path: Path, node_packages: Path) -> None:
        with environment_of_its_own(tmp_path / "service") as environment, serving(environment):
            variables = {**os.environ, "PORT": environment["PORT"], "NODE_PACKAGES": str(node_packages)}
            done = subprocess.run([str(NODE), PROGRAM], env=variables, capture_output=True, text=True, timeout=LIFE_TIMEOUT_S)
        assert (done.returncode, done.stdout) == (0, "The whole life was lived.\n"), done.stderr
