"""Judges values by schemas. Each schema is read once, into a function; a value that fits costs little more than a walk."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from commercecore_payments.testing.stripe_types.annotations import REFERENCE, Schema

# What is wrong with a value, each as a place inside of it and a sentence: `.amount: "7" is not integer`.
Problems = list[str]
Check = Callable[[Any], Problems]

KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}
LATEST_MOMENT = 10**11  # later than the year 5000: somebody counted milliseconds
DECIMAL = re.compile(r"-?\d+(\.\d+)?")
SHOWN = 60  # characters of a value that a problem shows


class Judge:
    """Judges by the schemas of one description."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self._named: dict[str, Check] = {}
        self._read: dict[int, tuple[Schema, Check]] = {}

    def knows(self, name: str) -> bool:
        """Whether the description has a schema of this name."""
        return name in self._schemas

    def named(self, name: str) -> Check:
        """The check of a schema that has a name. Raises KeyError where there is none."""
        if name not in self._named:
            self._named[name] = self.check(self._schemas[name])
        return self._named[name]

    def fields(self, name: str) -> set[str]:
        """The fields of the schema of this name; none where it is not known."""
        return set(self._schemas.get(name, {}).get("properties", {}))

    def resolved(self, schema: Schema) -> Schema:
        """The schema that a reference leads to, or the schema itself."""
        return self._schemas[schema["$ref"].removeprefix(REFERENCE)] if "$ref" in schema else schema

    def check(self, schema: Schema) -> Check:
        """The function that judges by a schema, which is read when it is first met."""
        if id(schema) not in self._read:
            self._read[id(schema)] = (schema, self._reading(schema))  # the schema is kept, so that its id stays its own
        return self._read[id(schema)][1]

    def _reading(self, schema: Schema) -> Check:
        if "$ref" in schema:
            inner = self._reference(schema["$ref"].removeprefix(REFERENCE))
        elif "anyOf" in schema:
            inner = self._alternatives(schema["anyOf"])
        else:
            inner = self._plain(schema)
        allowed = schema.get("nullable", False) or not schema
        wanted = schema.get("type", "a value")
        missing = [] if allowed else [f": null where {wanted} is required"]
        return lambda value: inner(value) if value is not None else missing

    def _reference(self, name: str) -> Check:
        """Judges by a named schema, which is read when it is met: schemas refer to each other in circles."""

        def judge(value: Any) -> Problems:
            return self.named(name)(value)

        return judge

    def _plain(self, schema: Schema) -> Check:
        kind = schema.get("type", "")
        types = KINDS.get(kind, (object,))
        further = self._further(kind, schema)

        def judge(value: Any) -> Problems:
            if not isinstance(value, types) or (isinstance(value, bool) and kind in ("integer", "number")):
                return [f": {shown(value)} is not {kind}"]
            return further(value)

        return judge

    def _further(self, kind: str, schema: Schema) -> Check:
        """What is judged of a value that is of the right kind."""
        if kind == "object":
            return self._members(schema)
        if kind == "array":
            return self._items(self.check(schema["items"]))
        if "enum" in schema:
            words = set(schema["enum"])
            return lambda value: [] if value in words else [f": {shown(value)} is not one of {shown(schema['enum'])}"]
        return FORMATS.get(schema.get("format", ""), _anything)

    @staticmethod
    def _items(item: Check) -> Check:
        return lambda value: [f"[{place}]{problem}" for place, one in enumerate(value) for problem in item(one)]

    def _members(self, schema: Schema) -> Check:
        members = {name: self.check(inner) for name, inner in schema.get("properties", {}).items()}
        required = schema.get("required", [])
        others = self._others(schema)

        def judge(value: dict[str, Any]) -> Problems:
            found = [f".{name}: required, missing" for name in required if name not in value]
            for name, inner in value.items():
                found += [f".{name}{problem}" for problem in members.get(name, others)(inner)]
            return found

        return judge

    def _others(self, schema: Schema) -> Check:
        """How a field is judged that the schema does not name: an object without any named field may hold all."""
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            return self.check(others)
        closed = bool(schema.get("properties")) or others is False
        return _unknown if closed else _anything

    def _alternatives(self, options: list[Schema]) -> Check:
        """Judges by the alternative that fits best, told by the field `object` where they have one."""
        checks = [(self._words(option), self.check(option)) for option in options]

        def judge(value: Any) -> Problems:
            tag = value.get("object") if isinstance(value, dict) else None
            tagged = [check for words, check in checks if tag in words]
            best: Problems | None = None
            for check in tagged or [check for _, check in checks]:
                found = check(value)
                if not found:
                    return []
                best = found if best is None or len(found) < len(best) else best
            return best or []

        return judge

    def _words(self, option: Schema) -> list[str]:
        properties = self.resolved(option).get("properties", {})
        return list(properties.get("object", {}).get("enum", []))


def shown(value: Any) -> str:
    """A value as a problem tells it, shortened."""
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _unknown(value: Any) -> Problems:
    return [": unknown field"]


def _anything(value: Any) -> Problems:
    return []


def _moment(value: int) -> Problems:
    return [] if 0 <= value < LATEST_MOMENT else [f": {value} is no moment in seconds since 1970"]


def _decimal(value: str) -> Problems:
    return [] if DECIMAL.fullmatch(value) else [f": {shown(value)} is no decimal number"]


FORMATS: dict[str, Check] = {"unix-time": _moment, "decimal": _decimal}
