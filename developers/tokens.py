"""Opaque developer tokens: `cct_<environment>_<36 random letters><6 letters of checksum>`.

The fixed beginning lets scanners of leaked secrets find one. The checksum lets a mistyped one be refused without asking
the database; it is no secret and proves nothing. What is stored is a keyed hash, so a copy of the database opens nothing.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass, field

from django.conf import settings

from commercecore_payments.environments import Environment
from commercecore_payments.identifiers import ALPHABET
from developers.models import HASH_KEY_ID_LENGTH

BEGINNING = "cct_"
# 36 letters of 62 carry 214 bits. Eight of them are shown in the prefix, and 166 stay secret: more than the 160 bits
# that RFC 6749 (section 10.10) recommends.
RANDOM_LENGTH = 36
SHOWN_LENGTH = 8
# 62**6 is the first power of 62 that holds all 2**32 values of a CRC32.
CHECKSUM_LENGTH = 6

_SHAPE = re.compile(
    rf"{BEGINNING}(?P<environment>{'|'.join(Environment.values)})_"
    rf"[A-Za-z0-9]{{{RANDOM_LENGTH}}}(?P<checksum>[A-Za-z0-9]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class OpaqueToken:
    """A token in clear text, well formed. It is shown once, at its making; its repr leaves it out."""

    text: str = field(repr=False)
    environment: str

    @property
    def prefix(self) -> str:
        """The first characters, which may be stored and shown."""
        return self.text[: len(f"{BEGINNING}{self.environment}_") + SHOWN_LENGTH]


def make(environment: str) -> OpaqueToken:
    """A new token for `environment` (sandbox, test or live)."""
    body = f"{BEGINNING}{environment}_{''.join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))}"
    return OpaqueToken(text=body + checksum(body), environment=environment)


def parse(text: str) -> OpaqueToken | None:
    """`text` as a token; None where its shape or checksum is wrong."""
    match = _SHAPE.fullmatch(text)
    if match is None or checksum(text[:-CHECKSUM_LENGTH]) != match["checksum"]:
        return None
    return OpaqueToken(text=text, environment=match["environment"])


def digest(token: OpaqueToken) -> str:
    """The HMAC-SHA256 of the whole token under TOKEN_HASH_KEY, in hexadecimal. The only form that is stored."""
    return _hmac(settings.TOKEN_HASH_KEY, token.text)


def digests(token: OpaqueToken) -> list[str]:
    """The digest under TOKEN_HASH_KEY, and those under the keys before it: a token is known by any of them."""
    return [_hmac(key, token.text) for key in (settings.TOKEN_HASH_KEY, *settings.TOKEN_HASH_KEY_FALLBACKS)]


def hash_key_id(key: str) -> str:
    """Tells the keys apart that tokens were hashed under, and tells nothing of a key: a part of an HMAC of a known text."""
    return _hmac(key, "the id of this key")[:HASH_KEY_ID_LENGTH]


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def checksum(body: str) -> str:
    """The CRC32 of `body` in base 62, the most significant letter first."""
    rest, letters = zlib.crc32(body.encode()), []
    for _ in range(CHECKSUM_LENGTH):
        rest, index = divmod(rest, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(reversed(letters))
