"""Holds the tests of the contract with Stripe against Stripe's own test mode. The arguments go to pytest.

They are the same tests that `make test` holds against the sandbox. They need a test key in STRIPE_SECRET_KEY, of a Stripe
account with Connect; what they make stays there, as test data.
"""

import os
import sys

import pytest

from commercecore_payments.stripe_keys import LIVE_KEYS, TEST_KEYS

KEY_VARIABLE = "STRIPE_SECRET_KEY"
CONTRACT = "gateway/tests/contract"


def main(arguments: list[str]) -> int:
    """pytest's exit status. Raises SystemExit, with a sentence, for any key but one of Stripe's test mode."""
    key = os.environ.get(KEY_VARIABLE, "")
    refuse_unless_test_key(key)
    os.environ["TEST_STRIPE_SECRET_KEY"] = key
    return int(pytest.main([*arguments, CONTRACT]))


def refuse_unless_test_key(key: str) -> None:
    """Ends the program for a missing key, and for a live one, with which real money would move. The key is never shown."""
    if key.startswith(LIVE_KEYS):
        sys.exit(f"{KEY_VARIABLE} is a live key: real money would move. These tests take a key of Stripe's test mode alone.")
    if not key.startswith(TEST_KEYS):
        sys.exit(f"Set {KEY_VARIABLE} to a key of Stripe's test mode, which begins with sk_test_: make test-stripe asks Stripe.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
