"""Identifiers that can be read aloud and told apart: a prefix and random letters."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits
# The most of a byte's 256 values that the alphabet fits into without a rest.
_WHOLE_ROUNDS = 256 // len(ALPHABET) * len(ALPHABET)
# 24 letters of 62 carry 142 bits: two never meet.
DEFAULT_LENGTH = 24


def new_identifier(prefix: str, length: int = DEFAULT_LENGTH) -> str:
    """`<prefix>_` and `length` random letters and digits, from the system's secure source."""
    letters = ""
    while len(letters) < length:  # bytes past the last whole round of the alphabet are left out, so that no letter is likelier
        fresh = secrets.token_bytes(2 * length)
        letters += "".join(ALPHABET[byte % len(ALPHABET)] for byte in fresh if byte < _WHOLE_ROUNDS)
    return f"{prefix}_{letters[:length]}"
