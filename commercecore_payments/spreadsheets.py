"""Texts of others in tables that people open with a spreadsheet."""

from typing import Any

from commercecore_payments.management.terminal import printable

# A spreadsheet takes a cell that begins so for a formula (owasp.org/www-community/attacks/CSV_Injection).
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n")


def without_formula(value: Any) -> Any:
    """What callers, buyers and Stripe have written gets an apostrophe before it, which a spreadsheet does not show."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_BEGINNINGS) else value


def harmless(value: Any) -> Any:
    """As `without_formula`, and nothing to the terminal either that a table may be written to."""
    return without_formula(printable(value)) if isinstance(value, str) else value
