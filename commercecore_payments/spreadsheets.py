"""Texts of others in tables that people open with a spreadsheet."""

from typing import Any

# A spreadsheet takes a cell that begins so for a formula (owasp.org/www-community/attacks/CSV_Injection).
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n")


def without_formula(value: Any) -> Any:
    """What callers, buyers and Stripe have written gets an apostrophe before it, which a spreadsheet does not show."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_BEGINNINGS) else value
