"""What the fields of our requests take, as JSON Schema. drf-spectacular finds these classes by their base once they are read."""

from abc import abstractmethod
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from commercecore_payments.money import CURRENCIES
from commercecore_payments.openapi.shapes import Shape
from commercecore_payments.serializers import (
    MAX_AMOUNT_DIGITS,
    MAX_METADATA_KEY_LENGTH,
    MAX_METADATA_KEYS,
    MAX_METADATA_VALUE_LENGTH,
)

# A letter that is neither blank nor NUL, somewhere in a text without NUL.
NOT_BLANK = r"^[^\x00]*[^\s\x00][^\x00]*$"
WITHOUT_NUL = r"^[^\x00]*$"
# Of a mail address as Django reads it: what it takes in any case, without quotes and literal addresses.
MAIL = r"^[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
WEB_ADDRESS = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s@/]+(/[!-~]*)?$"
METADATA_KEY = rf"^(?!commercecore_)[^\[\]\x00]{{1,{MAX_METADATA_KEY_LENGTH}}}$"


class StrictSerializerShape(OpenApiSerializerExtension):
    """An object of the fields that are named, and no others."""

    target_class = "commercecore_payments.serializers.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> Shape:
        shape = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        if type(self.target).__doc__ is None:  # what its base says is not about this one
            shape.pop("description", None)
        for field in shape.get("properties", {}).values():
            if field.get("format") == "email":  # drf-spectacular adds it from the validator: see EmailShape
                del field["format"]
        return {"type": "object", "properties": {}, **shape, "additionalProperties": False}


class FieldShape(OpenApiSerializerFieldExtension):
    """The base of those below: each says what its field takes."""

    priority = 1
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Shape:
        return self.shape(self.target)

    @abstractmethod
    def shape(self, field: Any) -> Shape:
        """What the field takes, as JSON Schema."""


class TextShape(FieldShape):
    target_class = "commercecore_payments.serializers.TextField"
    priority = 0

    def shape(self, field: Any) -> Shape:
        least = {} if field.allow_blank else {"minLength": 1}
        pattern = WITHOUT_NUL if field.allow_blank else NOT_BLANK
        return {"type": "string", **least, "maxLength": field.max_length, "pattern": pattern}


class IdentifierShape(FieldShape):
    target_class = "commercecore_payments.serializers.IdentifierField"

    def shape(self, field: Any) -> Shape:
        return {"type": "string", "maxLength": field.max_length, "pattern": rf"^(?:{'|'.join(field.prefixes)})_[A-Za-z0-9_]+$"}


class OneOfShape(FieldShape):
    target_class = "commercecore_payments.serializers.OneOfField"

    def shape(self, field: Any) -> Shape:
        return {"type": "string", "enum": [str(word) for word in field.words]}


class CurrencyShape(FieldShape):
    target_class = "commercecore_payments.serializers.CurrencyField"

    def shape(self, field: Any) -> Shape:
        codes = sorted(CURRENCIES)
        return {"type": "string", "enum": [*codes, *(code.upper() for code in codes)]}


class SuffixShape(FieldShape):
    target_class = "transactions.serializers.StatementDescriptorSuffixField"
    priority = 2

    def shape(self, field: Any) -> Shape:
        letters = r"[ !#-&(-)+-;=?-\[\]-~]"
        return {
            "type": "string",
            "maxLength": field.max_length,
            "pattern": rf"^{letters}*[A-Za-z]{letters}*$",
        }


class AmountShape(FieldShape):
    target_class = "commercecore_payments.serializers.AmountField"

    def shape(self, field: Any) -> Shape:
        digits = "^[0-9]+$" if field.minimum == 0 else "^0*[1-9][0-9]*$"
        return {
            "description": "Minor units of the currency, as a whole number or as its digits.",
            "oneOf": [
                {"type": "integer", "format": "int64", "minimum": field.minimum, "maximum": 10**MAX_AMOUNT_DIGITS - 1},
                {"type": "string", "maxLength": MAX_AMOUNT_DIGITS, "pattern": digits},
            ],
        }


class SequenceShape(FieldShape):
    target_class = "webhooks.serializers.SequenceField"

    def shape(self, field: Any) -> Shape:
        from webhooks.serializers import MAX_SEQUENCE_DIGITS  # noqa: PLC0415 - the apps are described by this module

        return {
            "description": "A sequence number, or 0 for none.",
            "oneOf": [
                {"type": "integer", "format": "int64", "minimum": 0, "maximum": 10**MAX_SEQUENCE_DIGITS - 1},
                {"type": "string", "pattern": rf"^[0-9]{{1,{MAX_SEQUENCE_DIGITS}}}$"},
            ],
        }


class FlagShape(FieldShape):
    target_class = "commercecore_payments.serializers.FlagField"

    def shape(self, field: Any) -> Shape:
        return {"type": "boolean"}


class AddressShape(FieldShape):
    target_class = "commercecore_payments.serializers.AddressField"

    def shape(self, field: Any) -> Shape:
        return {"type": "string", "format": "uri", "maxLength": field.max_length, "pattern": WEB_ADDRESS}


class EmailShape(FieldShape):
    target_class = "accounts.serializers.EmailField"

    def shape(self, field: Any) -> Shape:
        longest = {"maxLength": field.max_length} if field.max_length else {}
        # No `format`: it refuses what Django takes, such as 65 letters before the @.
        return {"type": "string", **longest, "pattern": MAIL}


class EventTypesShape(FieldShape):
    target_class = "webhooks.serializers.EventTypesField"

    def shape(self, field: Any) -> Shape:
        everything, *names = [str(word) for word in field.child.words]
        return {
            "description": f"Names of events, each once; or `{everything}` alone, for all of them.",
            "oneOf": [
                {"type": "array", "items": {"const": everything}, "minItems": 1, "maxItems": 1},
                {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1, "uniqueItems": True},
            ],
        }


class MetadataShape(FieldShape):
    target_class = "commercecore_payments.serializers.MetadataField"

    def shape(self, field: Any) -> Shape:
        return {
            "description": "Texts under names of your own.",
            "type": "object",
            "maxProperties": MAX_METADATA_KEYS,
            "propertyNames": {"type": "string", "pattern": METADATA_KEY},
            "additionalProperties": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_METADATA_VALUE_LENGTH,
                "pattern": WITHOUT_NUL,
            },
        }
