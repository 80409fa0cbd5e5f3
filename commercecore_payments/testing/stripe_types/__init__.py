"""Judges what is exchanged with Stripe against the types of the installed SDK: docs/decisions/stripe-types.md."""
