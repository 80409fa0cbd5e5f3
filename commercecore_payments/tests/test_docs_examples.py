"""Every example of the documentation, pasted into a shell beside one running service, page by page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commercecore_payments.tests import documents
from commercecore_payments.tests.documents import Block
from commercecore_payments.tests.service import PROJECT_DIR, free_port, manage, serving
from commercecore_payments.tests.shown_answers import differences

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
# Printed before each block, to tell which of them printed what.
MARK = "--- block"
# The sandbox's clock goes forward alone: pages that move it come after those that do not.
MOVES_THE_CLOCK = "advance_s"
# Seconds that a page takes at most on a machine that has much else to do; on a quiet one it takes two or three.
WALKED_WITHIN_S = 400


def walked_pages() -> list[str]:
    """The pages with examples, in an order in which none disturbs another."""
    pages = [page for page in documents.pages() if documents.executed_blocks(documents.text_of(page))]
    return sorted(pages, key=lambda page: MOVES_THE_CLOCK in documents.text_of(page))


def walk(page: str, environment: dict[str, str]) -> list[str]:
    """Pastes a page's blocks into one shell. What went otherwise than the page says."""
    blocks = documents.executed_blocks(documents.text_of(page))
    done = run(blocks, environment)
    printed = done.stdout.split(MARK + "\n")[1:]
    if done.returncode != 0:
        return [f"block {len(printed)} ended with {done.returncode}", *printed[-1:], done.stderr]
    pairs = zip(blocks, printed, strict=True)
    return [f"{block.text}{found}" for block, text in pairs for found in differences(block, text)]


def run(blocks: list[Block], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    script = "\n".join(["set -euo pipefail", *(f"echo '{MARK}'\n{block.text}" for block in blocks)])
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{environment['PORT']}").replace(".venv/bin/python", sys.executable)
    # This very Python first: another one may be a script that looks for the right one at each of some hundred calls.
    variables = {**environment, "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}"}
    return subprocess.run(
        ["/bin/bash", "-c", script], cwd=PROJECT_DIR, env=variables, capture_output=True, text=True, timeout=WALKED_WITHIN_S
    )


def field_of(answer: str) -> "subprocess.CompletedProcess[str]":
    """What the pages' own function makes of an answer."""
    known = {"DEVELOPER_TOKEN": "cct_sandbox_1", "PORT": "8001", "PATH": os.environ["PATH"]}
    command = ["/bin/bash", "-c", ". docs/examples/shell.sh; field status"]
    return subprocess.run(command, input=answer, cwd=PROJECT_DIR, env=known, capture_output=True, text=True, timeout=60)


class TestTheFunctionThatReadsAField:
    def test_prints_it(self) -> None:
        assert field_of('{"data": {"status": "succeeded"}}\n').stdout == "succeeded\n"

    @pytest.mark.parametrize(
        ("answer", "told"),
        [('{"detail": "No such order."}', '{"detail": "No such order."}'), ("", "Nothing answers at http://127.0.0.1:8001.")],
    )
    def test_fails_and_says_what_came_instead(self, answer: str, told: str) -> None:
        failed = field_of(answer)
        assert (failed.returncode, failed.stdout, failed.stderr.startswith(told)) == (1, "", True)


@needs_curl
class TestTheExamples:
    def test_print_what_their_pages_show(self, environment: dict[str, str]) -> None:
        """One service for all of them: to start one takes seconds."""
        with serving(environment):
            tenant = json.loads(manage(environment, "manage.py", "create_demo_tenant", "--json"))
            known = {name.upper(): value for name, value in tenant.items()}
            found = {page: walk(page, {**environment, **known, "RECEIVER_PORT": str(free_port())}) for page in walked_pages()}
        assert {page: "\n".join(went_wrong) for page, went_wrong in found.items() if went_wrong} == {}
