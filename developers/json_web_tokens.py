"""CommerceCore's JSON Web Tokens: which key may verify one, and what it must say.

The key is chosen by the header's `kid` among the configured keys and from nowhere else: `jku`, `jwk`, `x5u` and `x5c` are
not read. The algorithm is the one that the configuration gives the key, never the one that the token names (RFC 8725,
sections 2.1 and 3.1). PyJWT's clock is the system's, as is `commercecore_payments.clock`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import HMACAlgorithm

from developers.errors import InvalidToken
from developers.models import APP_ID, DEVELOPER_ID, MAX_JSON_WEB_TOKEN_ID_LENGTH

KeyMaterial = bytes | RSAPublicKey | EllipticCurvePublicKey

# RFC 7518, section 3.2: an HMAC key must be at least as long as the hash, which has 256 bits.
MIN_SECRET_BYTES = 32
# RFC 7518, section 3.3.
MIN_RSA_BITS = 2048
REQUIRED_CLAIMS = ["exp", "iat", "jti", "token_type", "developer_id", "app_ids"]
# `X-User-ID` has the same bound: both name a user of the developer.
MAX_USER_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A configured key. `algorithm` is the only one that it verifies."""

    kid: str
    algorithm: str
    material: KeyMaterial


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `kid` is the configured name of the key, also where the token named none."""

    kid: str
    jti: str
    developer_id: str
    app_ids: frozenset[str]


def verify(text: str) -> Claims:
    """The claims of the token `text`.

    Raises InvalidToken for whatever is wrong with it, and ImproperlyConfigured where the key's configuration is: that is
    the operator's mistake, and `manage.py check` tells it too.
    """
    if not text.isascii():
        raise InvalidToken
    try:
        key = _key_for(jwt.get_unverified_header(text))
        claims = jwt.decode(
            text,
            key=key.material,
            algorithms=[key.algorithm],
            issuer=settings.JWT_ISSUER or None,
            audience=settings.JWT_AUDIENCE or None,
            # PyJWT takes a token without `exp`, and refuses any audience where none is expected.
            options={
                "require": _required_claims(),
                "verify_aud": bool(settings.JWT_AUDIENCE),
                "enforce_minimum_key_length": True,
            },
        )
    except jwt.InvalidTokenError as error:
        raise InvalidToken from error
    return _typed(claims, key.kid)


def load_key(kid: str, entry: Any) -> VerificationKey:
    """The configured key `kid` of COMMERCECORE_JWT_KEYS, ready to verify. Raises ImproperlyConfigured with the reason."""
    if not isinstance(entry, Mapping) or not all(isinstance(entry.get(name), str) for name in ("algorithm", "key")):
        raise ImproperlyConfigured(f"COMMERCECORE_JWT_KEYS: '{kid}' must have an 'algorithm' and a 'key', both text.")
    load = _LOADERS.get(entry["algorithm"])
    if load is None:
        raise ImproperlyConfigured(f"COMMERCECORE_JWT_KEYS: the algorithm of '{kid}' must be one of {', '.join(_LOADERS)}.")
    try:
        return VerificationKey(kid, entry["algorithm"], load(entry["key"]))
    except (ValueError, UnsupportedAlgorithm, jwt.InvalidKeyError) as error:
        raise ImproperlyConfigured(f"COMMERCECORE_JWT_KEYS: the key '{kid}' cannot be used. {error}") from error


def _key_for(header: Mapping[str, Any]) -> VerificationKey:
    """The configured key that `header` names by `kid`; without one, the only key there is."""
    keys = settings.JWT_KEYS
    kid = header["kid"] if "kid" in header else next(iter(keys)) if len(keys) == 1 else None
    if kid not in keys:
        raise InvalidToken
    return load_key(kid, keys[kid])


def _required_claims() -> list[str]:
    issuer = ["iss"] if settings.JWT_ISSUER else []
    audience = ["aud"] if settings.JWT_AUDIENCE else []
    return [*REQUIRED_CLAIMS, *issuer, *audience]


def _typed(claims: Mapping[str, Any], kid: str) -> Claims:
    """`claims` with each type and bound checked: they become keys of rows. Raises InvalidToken."""
    times = [claims["exp"], claims["iat"], claims.get("nbf", 0)]
    user_id, app_ids = claims.get("user_id"), claims["app_ids"]
    if not (
        all(type(time) in (int, float) for time in times)  # PyJWT takes "1790000000" and true as well
        and claims["token_type"] == "access"
        and _is_text(claims["jti"], MAX_JSON_WEB_TOKEN_ID_LENGTH)
        and (user_id is None or _is_text(user_id, MAX_USER_ID_LENGTH))
        and isinstance(claims["developer_id"], str)
        and DEVELOPER_ID.match(claims["developer_id"])
        and isinstance(app_ids, list)
        and all(isinstance(app_id, str) and APP_ID.match(app_id) for app_id in app_ids)
    ):
        raise InvalidToken
    return Claims(kid, claims["jti"], claims["developer_id"], frozenset(app_ids))


def _is_text(value: Any, max_length: int) -> bool:
    """Whether `value` is text that every database can hold: printable excludes NUL and lone surrogates."""
    return isinstance(value, str) and 0 < len(value) <= max_length and value.isprintable()


def _load_secret(text: str) -> bytes:
    """A secret of enough bytes. PyJWT refuses PEM, SSH and JWK keys here: a public key is no secret."""
    secret = HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(text)
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"An HS256 secret must have at least {MIN_SECRET_BYTES} bytes; it has {len(secret)}.")
    return secret


def _load_rsa(text: str) -> RSAPublicKey:
    key = load_pem_public_key(text.encode())
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise ValueError(f"RS256 needs an RSA public key of at least {MIN_RSA_BITS} bits in PEM.")
    return key


def _load_elliptic_curve(text: str) -> EllipticCurvePublicKey:
    key = load_pem_public_key(text.encode())
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("ES256 needs a public key on the curve P-256 in PEM.")
    return key


_LOADERS: Mapping[str, Callable[[str], KeyMaterial]] = {"HS256": _load_secret, "RS256": _load_rsa, "ES256": _load_elliptic_curve}
