"""CommerceCore as the issuer of JSON Web Tokens, played by tests: its keys, and tokens signed with them."""

import base64
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from commercecore_payments import clock

SECRET = "a secret that CommerceCore and this service share"
DEVELOPER_ID = "de_gsrs4tfNyN9ZV-UJ5L6ceacsm"  # as the documentation shows one
APP_ID = "ap_3PTM8LFUcfdlW_njLpfcSmAJ6"  # as the documentation shows one
SECRET_KEYS = {"shared": {"algorithm": "HS256", "key": SECRET}}


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def elliptic_curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token that lives one hour. A change to `...` leaves the claim out."""
    now = int(clock.now().timestamp())
    good = {
        "token_type": "access",
        "iat": now,
        "exp": now + 3600,
        "jti": "a3f1c2",
        "user_id": "usr_t3hbYiDlxwF0WR6z49FymVg_2",
        "developer_id": DEVELOPER_ID,
        "app_ids": [APP_ID],
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def sign(
    payload: dict[str, Any] | None = None,
    *,
    key: Any = SECRET,
    algorithm: str = "HS256",
    kid: Any = "shared",
    headers: dict[str, Any] | None = None,
) -> str:
    """A token of `payload` (the good claims where none is given), signed by PyJWT. A `kid` of None is left out."""
    named = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims() if payload is None else payload, key, algorithm, headers={**named, **(headers or {})})


def forge(header: Any, payload: Any, signature: bytes = b"") -> str:
    """A token put together by hand, as an attacker would who has no key and no library that objects."""
    return ".".join(_segment(part) for part in (header, payload, signature))


def _segment(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
