"""How Stripe's secret and restricted keys tell their mode: https://docs.stripe.com/keys."""

TEST_KEYS = ("sk_test_", "rk_test_")
LIVE_KEYS = ("sk_live_", "rk_live_")
