"""The proof that money moves exactly once, which anyone can run: `python -m proofs`.

It is no part of the service: it drives the service's own API against the offline Stripe, breaks what stands between them,
and compares the books of both sides.
"""
