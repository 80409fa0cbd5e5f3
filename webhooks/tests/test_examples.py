"""The receivers that the documentation shows are tried by the service itself, and what they and a shell verify is ours."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from commercecore_payments.tests.service import PROJECT_DIR, free_port
from commercecore_payments.tests.tenants import Tenant
from webhooks.signing import sign

EXAMPLES = PROJECT_DIR / "docs" / "examples"
# Seconds until an interpreter listens, on a busy machine.
STARTS_WITHIN_S = 30.0


@contextmanager
def receiving(command: list[str], *, port: int, secret: str) -> Iterator[None]:
    """While open, the example listens."""
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    with subprocess.Popen([*command, str(port)], env=environment, stdout=subprocess.PIPE) as process:
        try:
            wait_for(port)
            yield
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    give_up_at = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < give_up_at:
        try:
            requests.post(f"http://127.0.0.1:{port}/", data=b"{}", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("The example does not listen.")


def tried(tenant: Tenant, command: list[str]) -> Any:
    port = free_port()
    made = tenant.post("/webhook-endpoints", {"url": f"http://127.0.0.1:{port}/", "events": ["*"]}).json()["data"]
    with receiving(command, port=port, secret=made["secret"]):
        return tenant.post(f"/webhook-endpoints/{made['id']}/test", {}).json()["data"]


class TestTheExampleReceiver:
    def test_in_python_takes_what_is_sound_and_refuses_the_rest(self, tenant: Tenant) -> None:
        report = tried(tenant, [sys.executable, str(EXAMPLES / "receiver.py")])
        assert [(check["name"], check["passed"]) for check in report["checks"] if not check["passed"]] == []
        assert report["passed"] is True

    @pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
    def test_in_node_takes_what_is_sound_and_refuses_the_rest(self, tenant: Tenant) -> None:
        report = tried(tenant, ["node", str(EXAMPLES / "receiver.mjs")])
        assert [(check["name"], check["passed"]) for check in report["checks"] if not check["passed"]] == []
        assert report["passed"] is True

    def test_in_a_shell_computes_our_signature(self) -> None:
        """The walk through the page, in commercecore_payments/tests/test_docs_examples.py, runs the lines themselves."""
        text = (PROJECT_DIR / "docs" / "webhooks.md").read_text()
        shown = re.search(
            r"^SECRET=(?P<secret>.*)\nBODY='(?P<body>.*)'\n.*\nprintf %s \"(?P<id>\w+)\.(?P<timestamp>\d+)\..*\n```\n\n"
            r"```text\n(?P<signature>.*)$",
            text,
            re.MULTILINE,
        )
        assert shown is not None
        signed = sign(shown["secret"], message_id=shown["id"], timestamp=int(shown["timestamp"]), body=shown["body"])
        assert f"v1,{shown['signature']}" == signed
