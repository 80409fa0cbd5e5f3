"""Stripe's HTTP API as such: what a request may say, which address answers it, errors, lists, idempotency keys."""
