"""README.md, docs/sandbox.md and docs/webhooks.md, pasted into a shell beside a running service."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from commercecore_payments.tests.service import PROJECT_DIR, free_port, serving

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
        paid, part, rest, seller, challenged, saved, *life_of_a_hold, deleted, events = answers
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
        told = events["data"]["events"]
        assert [event["sequence"] for event in told] == list(range(1, len(told) + 1))
        types = [event["type"] for event in told if event["type"] != "account.updated"]
        assert types == [
            *("payment.succeeded", "refund.processed", "refund.processed"),
            *("payment.requires_action", "payment.succeeded", "payment.succeeded"),
            *("payment.capturable", "payment.succeeded", "refund.processed", "account.deleted"),
        ]
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


CHECKS = ["good", "badly_signed", "stale", "doubled", "reordered"]


@needs_curl
class TestTheWalkOfAConsumer:
    def test_ends_with_every_event_told_once(self, environment: dict[str, str]) -> None:
        with serving(environment):
            lines = pasted("docs/webhooks.md", {**environment, "RECEIVER_PORT": str(free_port())}).splitlines()
        trial, events, deliveries, deleted = (json.loads(line)["data"] for line in lines if line.startswith("{"))
        assert (trial["passed"], [check["name"] for check in trial["checks"]]) == (True, CHECKS)
        received = [line.split()[:2] for line in lines if line and not line.startswith("{")]
        # What the demo's seller was told of as onboarded may lie before the endpoint was made, or after.
        told = [[event["type"], str(event["sequence"])] for event in events["events"] if event["type"] != "account.updated"]
        assert [line for line in received if line[0] != "account.updated"] == told
        assert [name for name, _ in told] == ["payment.succeeded", "refund.processed"]
        assert {delivery["status"] for delivery in deliveries["deliveries"]} == {"succeeded"}
        assert len(deliveries["deliveries"]) == len(received)
        assert deleted["deleted"] is True
