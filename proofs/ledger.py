"""Compares Stripe's own ledger with the service's: per order, per account, per operation.

    findings = compare(developer_id=tenant.developer.pk)                # at any moment, whatever is under way
    findings = compare(developer_id=..., at_rest=True)                  # faults are over and all was read: nothing may lag

Each finding is a violation: its rule, a sentence, and what it is about. No finding means that the books agree. That the rules
find what they should is proven in tests/test_ledger.py, where each kind of violation is planted by hand.
"""

from datetime import timedelta

from proofs.books import Books
from proofs.effect_rules import EFFECT_RULES
from proofs.findings import Finding, Rule
from proofs.money_rules import MONEY_RULES
from proofs.row_rules import ROW_RULES

__all__ = ["Finding", "Rule", "compare"]


def compare(
    *,
    developer_id: str,
    stripe_ahead: timedelta = timedelta(),
    stripe_slower: timedelta = timedelta(),
    at_rest: bool = False,
) -> list[Finding]:
    """What is wrong about the sellers of one developer.

    `stripe_ahead`: how far Stripe's clock is ahead of the service's; `stripe_slower`: how much longer Stripe was at work on a
    call than the service waits for it at most.
    """
    books = Books.read(developer_id, stripe_ahead=stripe_ahead, stripe_slower=stripe_slower, at_rest=at_rest)
    return [finding for rule in (*MONEY_RULES, *EFFECT_RULES, *ROW_RULES) for finding in rule(books)]
