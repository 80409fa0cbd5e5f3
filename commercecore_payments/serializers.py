"""What requests are made of: a serializer that refuses what it does not know, and the fields that routes share.

REST framework's own fields convert freely (`1` to `"1"`, `"yes"` to true). Where money is meant, a wrong type is told.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from rest_framework import serializers

from commercecore_payments.metadata import OWN_PREFIX
from commercecore_payments.money import CURRENCIES

# Stripe's ids are at most 255 characters (docs.stripe.com/upgrades); our own texts keep the same bound.
MAX_TEXT_LENGTH = 255

# Stripe's rules for metadata (docs.stripe.com/api/metadata), less the keys that we add ourselves.
MAX_METADATA_KEYS = 45
MAX_METADATA_KEY_LENGTH = 40
MAX_METADATA_VALUE_LENGTH = 500

# The digits of the largest amount that any currency takes, and some: more is no amount but an attack.
MAX_AMOUNT_DIGITS = 12


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, by name: a misspelt option must not be ignored where money moves."""

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """What was asked for. Raises ValidationError.

        REST framework copies every field for every body, which costs more than looking at the body. Looking changes neither a
        serializer nor its fields, so all requests share one of each kind.
        """
        asked: dict[str, Any] = _shared(cls).run_validation(data)
        return dict(asked)

    def to_internal_value(self, data: Any) -> Any:
        unknown = [name for name in data if name not in self.fields] if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({str(name)[:MAX_TEXT_LENGTH]: ["Unknown field."] for name in unknown})
        return super().to_internal_value(data)


@cache
def _shared(kind: type[StrictSerializer]) -> StrictSerializer:
    return kind()


class TextField(serializers.CharField):
    """A text, and no number that could be one. At most 255 characters unless told otherwise."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": MAX_TEXT_LENGTH, **options})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class IdentifierField(TextField):
    """An id of Stripe's or ours with a known prefix, such as `acct_…`, or one of several. It is never repeated in a message."""

    default_error_messages = {"prefix": "This is no id that begins with {prefix}."}

    def __init__(self, *prefixes: str, **options: Any) -> None:
        self.prefixes = prefixes
        self.pattern = re.compile(rf"\A(?:{'|'.join(prefixes)})_[A-Za-z0-9_]+\Z")
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not self.pattern.match(text):
            self.fail("prefix", prefix=" or ".join(f"{prefix}_" for prefix in self.prefixes))
        return text


class AmountField(serializers.Field[int, Any, int, Any]):
    """A whole number of minor units, as a number or as text: `1000` or `"1000"`. Nothing is rounded or trimmed.

    `minimum` is 1, or 0 where none of it is an answer too.
    """

    default_error_messages = {
        "invalid": 'The amount is a whole number of minor units, such as 1000 or "1000".',
        "positive": "The amount must be greater than 0.",
        "negative": "The amount must not be negative.",
        "too_large": "The amount is too large.",
    }

    def __init__(self, *, minimum: Literal[0, 1] = 1, **options: Any) -> None:
        self.minimum = minimum
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("invalid")
        digits = str(data) if not isinstance(data, int) or abs(data) < 10**MAX_AMOUNT_DIGITS else None
        if digits is None or len(digits) > MAX_AMOUNT_DIGITS:
            self.fail("too_large")
        if not re.fullmatch(r"-?[0-9]+", digits):
            self.fail("invalid")
        if int(digits) < self.minimum:
            self.fail("positive" if self.minimum else "negative")
        return int(digits)

    def to_representation(self, value: int) -> int:
        return value


class CurrencyField(TextField):
    """A three-letter code that Stripe charges in, of either case; lower case from here on."""

    default_error_messages = {"currency": "This is no currency that can be charged."}

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data).lower()
        if code not in CURRENCIES:
            self.fail("currency")
        return code


class FlagField(serializers.Field[bool, Any, bool, Any]):
    """`true` or `false`, and no word that could mean one of them."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data

    def to_representation(self, value: bool) -> bool:
        return value


class AddressField(serializers.URLField):
    """An http or https address without a user in it. Stripe takes up to 2,048 characters."""

    default_error_messages = {"scheme": "Enter an http or https address of printable ASCII characters, without a user in it."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 2048, **options})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)

    def run_validation(self, data: Any = serializers.empty) -> str:
        address = super().run_validation(data)
        if address and not _is_web_address(address):
            self.fail("scheme")
        return str(address)


def _is_web_address(address: str) -> bool:
    """Whether it is what a browser is sent to: http or https, nothing that only looks like a letter, and no user."""
    plain = address.isascii() and address.isprintable()
    return plain and address.lower().startswith(("http://", "https://")) and "@" not in address.split("/")[2]


class OneOfField(TextField):
    """One of a few words. What was sent instead is not repeated in the message."""

    default_error_messages = {"choice": "Must be one of: {words}."}

    def __init__(self, words: Sequence[str], **options: Any) -> None:
        self.words = words
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        word = super().to_internal_value(data)
        if word not in self.words:
            self.fail("choice", words=", ".join(self.words))
        return word


class MetadataField(serializers.Field[dict[str, str], Any, dict[str, str], Any]):
    """Texts under names of the caller's own, handed on to Stripe by Stripe's rules."""

    default_error_messages = {
        "object": "Metadata is an object of texts.",
        "keys": "At most {count} keys are taken.",
        "key": "A key has 1 to {length} characters, no square brackets, and does not begin with {own}.",
        "value": "A value is a text of 1 to {length} characters.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            self.fail("object")
        if len(data) > MAX_METADATA_KEYS:
            self.fail("keys", count=MAX_METADATA_KEYS)
        for key, value in data.items():
            self._check(key, value)
        return dict(data)

    def _check(self, key: str, value: Any) -> None:
        sound = 0 < len(key) <= MAX_METADATA_KEY_LENGTH and not set(key) & set("[]") and is_clean(key)
        if not sound or key.startswith(OWN_PREFIX):
            self.fail("key", length=MAX_METADATA_KEY_LENGTH, own=OWN_PREFIX)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_METADATA_VALUE_LENGTH or not is_clean(value):
            self.fail("value", length=MAX_METADATA_VALUE_LENGTH)

    def to_representation(self, value: dict[str, str]) -> dict[str, str]:
        return value


def is_clean(text: str) -> bool:
    """Whether a text can be stored and sent: no NUL, and no half of a surrogate pair."""
    return "\x00" not in text and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)
