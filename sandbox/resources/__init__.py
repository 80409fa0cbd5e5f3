"""Stripe's addresses, in modules by kind of object: what each takes, refuses and answers, and the shape of a new object.

What several kinds have in common about a request stands here as well (`confirmation`, `bank_debit_terms`, `links`). Rules of
money do not: those are in `sandbox.money`, which the addresses call.
"""
