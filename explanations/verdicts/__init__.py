"""The verdict on a payment: what the state of its money is, why, who has to act, and what to do next."""

from explanations.verdicts.choice import verdict_on

__all__ = ["verdict_on"]
