"""Declared parameters, and how a request is judged by them.

What a route takes is declared beside its function; everything else in a request is refused, with Stripe's codes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from sandbox.api.errors import ParameterRefused, not_supported

# Limits of https://docs.stripe.com/api/metadata.
METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500
# The SDK's types give 5000 characters for free text.
TEXT_LENGTH = 5000
# Stripe's integers are 64 bits; longer digits are no integer to it.
INTEGER = re.compile(r"^-?[0-9]{1,18}$")
# "limit … ranges between 1 and 100": https://docs.stripe.com/api/pagination.
LIMIT_MAXIMUM = 100
# "expansions have a maximum depth of four levels": https://docs.stripe.com/api/expanding_objects.
EXPANSION_DEPTH = 4


class Kind(Protocol):
    """What a parameter's value must be."""

    def read(self, value: Any, param: str) -> Any:
        """The value as its route gets it. Raises ParameterRefused, which names `param`, where it is none of this kind."""


@dataclass(frozen=True)
class Text:
    """Text of at most `maximum` characters."""

    maximum: int = TEXT_LENGTH

    def read(self, value: Any, param: str) -> str:
        if not isinstance(value, str):
            raise ParameterRefused("Invalid string: an object was passed", param=param)
        if len(value) > self.maximum:
            raise ParameterRefused(f"Invalid string: {value[:20]}…; must be at most {self.maximum} characters", param=param)
        return value


@dataclass(frozen=True)
class Integer:
    """A whole number, written in digits."""

    minimum: int | None = None
    maximum: int | None = None

    def read(self, value: Any, param: str) -> int:
        if not isinstance(value, str) or not INTEGER.match(value):
            raise ParameterRefused(f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)
        number = int(value)
        if self.minimum is not None and number < self.minimum:
            self._refuse(f"This value must be greater than or equal to {self.minimum}.", param)
        if self.maximum is not None and number > self.maximum:
            self._refuse(f"This value must be less than or equal to {self.maximum}.", param)
        return number

    @staticmethod
    def _refuse(message: str, param: str) -> None:
        raise ParameterRefused(message, code="parameter_invalid_integer", param=param)


@dataclass(frozen=True)
class Boolean:
    """`true` or `false`, as the SDK writes them."""

    def read(self, value: Any, param: str) -> bool:
        if value not in ("true", "false"):
            raise ParameterRefused(f"Invalid boolean: {value}", param=param)
        return bool(value == "true")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    def read(self, value: Any, param: str) -> str:
        if value not in self.options:
            raise ParameterRefused(f"Invalid {param}: must be one of {', '.join(self.options)}", param=param)
        return str(value)


@dataclass(frozen=True)
class WebAddress:
    """An absolute http or https address: the sandbox sends browsers there."""

    def read(self, value: Any, param: str) -> str:
        text = Text().read(value, param)
        try:
            parts = urlsplit(text) if text.isprintable() and " " not in text else None
        except ValueError:  # brackets that hold no address, or letters that another form of Unicode writes as delimiters
            parts = None
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise ParameterRefused("Not a valid URL", code="url_invalid", param=param)
        return text


@dataclass(frozen=True)
class Email:
    """An email address."""

    def read(self, value: Any, param: str) -> str:
        text = Text(maximum=512).read(value, param)  # Stripe's own limit on a customer's email
        if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", text):
            raise ParameterRefused(f"Invalid email address: {text}", code="email_invalid", param=param)
        return text


@dataclass(frozen=True)
class ListOf:
    """A list of values of one kind."""

    item: Kind

    def read(self, value: Any, param: str) -> list[Any]:
        if not isinstance(value, list):
            raise ParameterRefused("Invalid array", param=param)
        return [self.item.read(item, f"{param}[{place}]") for place, item in enumerate(value)]


@dataclass(frozen=True)
class Metadata:
    """Names and texts within the limits of https://docs.stripe.com/api/metadata; "" takes a name away."""

    def read(self, value: Any, param: str) -> dict[str, str]:
        if not isinstance(value, dict):
            raise ParameterRefused("Invalid object", param=param)
        if len(value) > METADATA_KEYS:
            raise ParameterRefused(f"You can have up to {METADATA_KEYS} metadata keys", param=param)
        for name, text in value.items():
            self._judge(name, text, param)
        return dict(value)

    @staticmethod
    def _judge(name: str, text: Any, param: str) -> None:
        if not isinstance(text, str):
            raise ParameterRefused("Metadata values must be strings", param=f"{param}[{name}]")
        if len(name) > METADATA_KEY_LENGTH:
            raise ParameterRefused(f"Metadata keys can have up to {METADATA_KEY_LENGTH} characters", param=param)
        if len(text) > METADATA_VALUE_LENGTH:
            raise ParameterRefused(f"Metadata values can have up to {METADATA_VALUE_LENGTH} characters", param=f"{param}[{name}]")


@dataclass(frozen=True)
class Parameter:
    """A kind, and whether it must be there or may be taken away."""

    kind: Kind
    required: bool = False
    # Whether "" is an attempt to unset the field (https://docs.stripe.com/api/metadata and the SDK's `Literal[""]`).
    unsettable: bool = False

    def read(self, value: Any, param: str) -> Any:
        if value != "":
            return self.kind.read(value, param)
        if self.unsettable:
            return ""
        raise ParameterRefused(
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; however "
            f"'{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value.",
            code="parameter_invalid_empty",
            param=param,
        )


@dataclass(frozen=True)
class Hash:
    """An object with declared members: of a request as a whole, or of one parameter."""

    members: Mapping[str, Parameter]
    # Names that Stripe takes and the sandbox does not: refused as such.
    unsupported: frozenset[str] = field(default_factory=frozenset)

    def refusing(self, names: str) -> "Hash":
        """The same parameters, and the names of those that Stripe takes and the sandbox does not."""
        return Hash(self.members, frozenset(names.split()))

    def read(self, value: Any, param: str = "") -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ParameterRefused("Invalid object", param=param)
        self._refuse_others(value, param)
        for name, member in self.members.items():
            if member.required and name not in value:
                full = _full(param, name)
                raise ParameterRefused(f"Missing required param: {full}.", code="parameter_missing", param=full)
        return {name: self.members[name].read(item, _full(param, name)) for name, item in value.items()}

    def _refuse_others(self, value: dict[str, Any], param: str) -> None:
        others = [name for name in value if name not in self.members]
        for name in others:
            if name in self.unsupported:
                raise not_supported(f"the parameter {_full(param, name)}", _full(param, name))
        if others:
            names = ", ".join(_full(param, name) for name in others)
            plural = "s" if len(others) > 1 else ""
            raise ParameterRefused(
                f"Received unknown parameter{plural}: {names}", code="parameter_unknown", param=_full(param, others[0])
            )


def _full(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name


@dataclass(frozen=True)
class OneOf:
    """A value of either kind: an object where it is one, else the plain kind."""

    plain: Kind
    nested: Hash

    def read(self, value: Any, param: str) -> Any:
        return self.nested.read(value, param) if isinstance(value, dict) else self.plain.read(value, param)


def takes(**members: Kind | Parameter) -> Hash:
    """The parameters of a route, `expand` among them; a bare kind is an optional parameter."""
    declared = {name: member if isinstance(member, Parameter) else Parameter(member) for name, member in members.items()}
    return Hash({"expand": Parameter(ListOf(Text())), **declared})


def required(kind: Kind) -> Parameter:
    """A parameter without which the request is refused."""
    return Parameter(kind, required=True)


def unsettable(kind: Kind) -> Parameter:
    """A parameter that "" takes away again."""
    return Parameter(kind, unsettable=True)


METADATA = unsettable(Metadata())
ADDRESS = Hash({name: unsettable(Text()) for name in ("city", "country", "line1", "line2", "postal_code", "state")})
SHIPPING = Hash(
    {
        "address": required(ADDRESS),
        "name": required(Text()),
        "phone": unsettable(Text()),
        "carrier": unsettable(Text()),
        "tracking_number": unsettable(Text()),
    }
)
# A moment in epoch seconds, up to the year 3000: later ones are milliseconds sent by mistake.
_MOMENT = Integer(minimum=0, maximum=32_503_680_000)
CREATED = OneOf(_MOMENT, Hash({name: Parameter(_MOMENT) for name in ("gt", "gte", "lt", "lte")}))


def takes_page(**filters: Kind) -> Hash:
    """The parameters of a list: its page, and the filters of its kind."""
    return takes(limit=Integer(1, LIMIT_MAXIMUM), starting_after=Text(), ending_before=Text(), created=CREATED, **filters)
