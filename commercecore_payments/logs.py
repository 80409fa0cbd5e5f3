"""Keeps secrets out of the log, whatever line they would be in."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"
# Addresses that open something for whoever has them, and credentials by their shapes: our tokens, Stripe's keys, and JSON Web
# Tokens. Each begins with a letter of its own, by which an expression is found four times faster than by a word's border.
SECRETS = re.compile(
    r"(?P<address>/(?:onboarding|sandbox/(?:connect/setup/e|express|3d-secure))/)[^\s?]+"
    r"|cct_[a-z]+_[A-Za-z0-9]+"
    r"|[rs]k_(?:test|live)_[A-Za-z0-9]+"
    r"|Basic [A-Za-z0-9+/=]{12,}"  # an Authorization header, whose user may be a key
    r"|Bearer [A-Za-z0-9._~+/=-]{12,}"  # and one of OAuth's, whatever its token looks like (RFC 6750, 2.1)
    r"|whsec_[A-Za-z0-9+/=]+"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)
# Stripe's client secrets begin as the id of their object does: looked for only where the middle of one stands.
MIDDLE = "_secret_"
CLIENT_SECRETS = re.compile(rf"[a-z]+_[A-Za-z0-9]+{MIDDLE}[A-Za-z0-9]+")
# Numbers as they stand on cards, with or without spaces or hyphens: 13 to 19 digits (ISO/IEC 7812-1), of which 2 to 6 begin
# those of the payment networks. Ids and the groups of a UUID have letters or hyphens beside them, and are none.
CARD_NUMBERS = re.compile(
    r"(?<![\w-])[2-6](?:[0-9]{12,18}|[0-9]{3}([ -])(?:[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|[0-9]{6}\1[0-9]{5}))(?![\w-])", re.ASCII
)
# Letters. No secret is as short: the shortest that is one, a card's number, has 13, and all others are longer.
SHORTEST_SECRET = 8
# What stands under these keys is a secret whatever it looks like: headers, parameters and fields, hyphens read as underscores.
SECRET_KEYS = frozenset(
    """
    authorization proxy_authorization cookie set_cookie x_developer_token stripe_signature x_csrftoken
    http_authorization http_cookie http_x_developer_token http_stripe_signature http_x_csrftoken
    secret secret_key previous_secret client_secret private_key api_key password passwd
    token developer_token access_token refresh_token csrfmiddlewaretoken sessionid
    card card_number number cvc cvv
    """.split()
)


def without_secrets(text: str) -> str:
    """The text with [hidden] in the place of each secret."""
    if len(text) < SHORTEST_SECRET:
        return text
    if MIDDLE in text:
        text = CLIENT_SECRETS.sub(HIDDEN, text)
    text = SECRETS.sub(lambda found: f"{found['address'] or ''}{HIDDEN}", text)
    return CARD_NUMBERS.sub(lambda found: HIDDEN if passes_luhn(found[0]) else found[0], text)


def holds_secret(text: str) -> bool:
    return without_secrets(text) != text


def passes_luhn(number: str) -> bool:
    """Whether the last digit is the check digit of the others, as on every card (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    return sum(digits[::2], sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def without_secrets_within(value: Any) -> Any:
    """The value as a log line may hold it: every text in it, at any depth and the keys too, without its secrets.

    Numbers stay numbers, and everything else becomes its text.
    """
    if isinstance(value, str):
        return without_secrets(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if without_secrets(str(value)) == str(value) else HIDDEN
    if isinstance(value, Mapping):
        return {without_secrets(str(key)): _under(str(key), within) for key, within in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_secrets_within(within) for within in value]
    return without_secrets(str(value))


def _under(key: str, value: Any) -> Any:
    return HIDDEN if key.lower().replace("-", "_") in SECRET_KEYS else without_secrets_within(value)
