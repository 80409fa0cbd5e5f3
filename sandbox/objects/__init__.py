"""Stripe's objects as they are kept, and the events that each change of them means."""
