"""The receivers that the documentation shows are tried by the service itself, and what they and a shell verify is ours."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

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


class TestTheExampleThatCatchesUp:
    def test_goes_on_from_page_to_page_and_begins_where_it_ended(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "last-sequence.txt"
        catch_up(file, page(1, 2, kept_from=1, has_more=True), page(3, kept_from=1))
        assert (capsys.readouterr().out, file.read_text()) == ("account.updated 1\naccount.updated 2\naccount.updated 3\n", "3")
        assert catch_up(file, page(kept_from=1)) == ["http://service/api/v1/events?after=3"]
        assert (capsys.readouterr().out, file.read_text()) == ("", "3")

    @pytest.mark.parametrize(
        ("kept", "kept_from", "told", "last"),
        [((9,), 9, "4 to 8 are kept no more", "9"), ((), 0, "4 to 7 are kept no more", "7")],
        ids=["some", "all"],
    )
    def test_tells_what_is_kept_no_more_once(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], kept: tuple[int, ...], kept_from: int, told: str, last: str
    ) -> None:
        file = tmp_path / "last-sequence.txt"
        file.write_text("3")
        catch_up(file, page(*kept, kept_from=kept_from))
        assert told in capsys.readouterr().out
        assert file.read_text() == last
        catch_up(file, page(kept_from=kept_from))
        assert capsys.readouterr().out == ""


def catch_up(file: Path, *pages: dict[str, Any]) -> list[str]:
    """The addresses that the example asks, being answered these pages."""
    answers, asked = list(pages), list[str]()
    names = runpy.run_path(str(EXAMPLES / "catching_up.py"))

    def read(address: str) -> dict[str, Any]:
        asked.append(address)
        return answers.pop(0)

    names["catch_up"].__globals__["read"] = read
    with mock.patch.dict(os.environ, {"API": "http://service/api/v1"}):
        names["catch_up"](file)
    return asked


def page(*sequences: int, kept_from: int, has_more: bool = False) -> dict[str, Any]:
    return {
        "data": {"events": [{"type": "account.updated", "sequence": sequence} for sequence in sequences]},
        "meta": {"oldest_sequence": kept_from, "latest_sequence": max(sequences, default=7), "has_more": has_more},
        "links": {"next": "http://service/api/v1/events?after=2" if has_more else None},
    }
