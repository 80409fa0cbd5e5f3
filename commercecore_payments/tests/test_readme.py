"""README.md and docs/sandbox.md, pasted into a shell beside a running service."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from commercecore_payments.tests.service import PROJECT_DIR, serving

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def pasted(document: str, environment: dict[str, str]) -> str:
    """What a document's blocks print, run in one shell from the first to the last."""
    blocks = re.findall(r"```bash\n(.*?)```", (PROJECT_DIR / document).read_text(), re.DOTALL)
    script = "\n".join(["set -euo pipefail", *blocks])
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{environment['PORT']}").replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_curl
class TestTheReadme:
    def test_walks_from_the_first_payment_to_the_last_step(self, environment: dict[str, str]) -> None:
        with serving(environment):
            lines = pasted("README.md", environment).splitlines()
        answers = [json.loads(line) for line in lines if line.startswith("{")]
        pages = [line for line in lines if not line.startswith("{")]
        paid, part, rest, seller, challenged, saved, *life_of_a_hold, deleted = answers
        assert paid["data"]["message"] == "Payment confirmed successfully"
        assert (part["data"]["amount"], rest["data"]["amount"]) == (500, 2000)
        assert set(seller["data"]["capabilities"].values()) == {"active"}
        assert (challenged["data"]["status"], challenged["data"]["amount_received"]) == ("succeeded", 4200)
        assert saved["data"]["status"] == "succeeded"
        held, captured, captured_again, refunded, cards, forgotten = life_of_a_hold
        assert (held["data"]["status"], held["data"]["capture_before"] > 0) == ("requires_capture", True)
        assert (captured["data"]["status"], captured["data"]["amount_received"]) == ("succeeded", 4000)
        assert captured_again == captured
        assert (refunded["data"]["status"], refunded["data"]["amount"]) == ("succeeded", 1000)
        assert [card["preferred"] for card in cards["data"]["payment_methods"]] == [True]
        assert (forgotten["data"]["message"], forgotten["data"]["last4"]) == ("Payment method detached successfully", "4242")
        assert deleted["data"]["deleted"] is True
        onboarded, authenticated = pages
        assert re.fullmatch(r"302 http://\S+/onboarding/\S+/done", onboarded)
        assert re.fullmatch(r"302 http://\S+redirect_status=succeeded", authenticated)


@needs_curl
class TestTheSandboxsFirstWalk:
    def test_prints_what_becomes_of_each_step(self, environment: dict[str, str]) -> None:
        with serving(environment):
            printed = pasted("docs/sandbox.md", environment).splitlines()
        onboarded, paid, refused, dispute, debited, ahead_s, decided, endpoint = printed
        assert (onboarded, paid) == ("True", "succeeded")
        assert (refused, dispute) == ("declined", "won")
        assert (debited, ahead_s, decided) == ("processing", "604800", "succeeded")
        assert endpoint == "enabled"
