"""Identifiers that can be read aloud and told apart: a prefix and random letters."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits
# The most of a byte's 256 values that the alphabet fits into without a rest.
_WHOLE_ROUNDS = 256 // len(ALPHABET) * len(ALPHABET)
# The letter of each byte; bytes past the last whole round are left out, so that no letter is likelier than another.
_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_LEFT_OUT = bytes(range(_WHOLE_ROUNDS, 256))
# 24 letters of 62 carry 142 bits: two never meet.
DEFAULT_LENGTH = 24


def new_identifier(prefix: str, length: int = DEFAULT_LENGTH) -> str:
    """`<prefix>_` and `length` random letters and digits, from the system's secure source."""
    letters = ""
    while len(letters) < length:
        letters += secrets.token_bytes(2 * length).translate(_LETTERS, _LEFT_OUT).decode()
    return f"{prefix}_{letters[:length]}"
