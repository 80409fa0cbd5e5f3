"""`make test-stripe` asks Stripe's test mode, and nothing else."""

import os
import subprocess
import sys

import pytest

from commercecore_payments.tests.service import PROJECT_DIR


def run(key: str) -> "subprocess.CompletedProcess[str]":
    """The outcome of the program with this key in STRIPE_SECRET_KEY, asked for no test at all."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "commercecore_payments.testing.stripe_contract", "-q", "--collect-only"]
    return subprocess.run(
        command, cwd=PROJECT_DIR, env={**variables, "STRIPE_SECRET_KEY": key}, capture_output=True, text=True, timeout=120
    )


class TestTheContractWithStripe:
    @pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc"])
    def test_is_never_tried_with_a_live_key(self, key: str) -> None:
        done = run(key)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "STRIPE_SECRET_KEY is a live key: real money would move. These tests take a key of Stripe's test mode alone.\n"
        )

    @pytest.mark.parametrize("key", ["", "pk_test_abc"])
    def test_is_not_tried_without_a_test_key(self, key: str) -> None:
        done = run(key)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Set STRIPE_SECRET_KEY to a key of Stripe's test mode")

    def test_is_held_against_stripe_with_a_test_key_and_holds_no_other_test(self) -> None:
        done = run("sk_test_abc")
        assert done.returncode == 0, done.stdout + done.stderr
        tests = [line for line in done.stdout.splitlines() if "::" in line]
        assert {line.split("::")[0].rpartition("/")[0] for line in tests} == {"gateway/tests/contract"}
        assert len(tests) >= 50
