"""Identifiers that can be read aloud and told apart: a prefix and random letters."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits
# 24 letters of 62 carry 142 bits: two never meet.
DEFAULT_LENGTH = 24


def new_identifier(prefix: str, length: int = DEFAULT_LENGTH) -> str:
    """`<prefix>_` and `length` random letters and digits, from the system's secure source."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(length))}"
