"""Judges what is sent to Stripe, against the parameters of the SDK's services."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from commercecore_payments.testing.stripe_types.annotations import Schema
from commercecore_payments.testing.stripe_types.judge import Judge, Problems

Operations = Mapping[str, Mapping[str, Schema]]
INTEGER = re.compile(r"-?\d+")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def problems_of_request(judge: Judge, operations: Operations, method: str, path: str, parameters: dict[str, Any]) -> Problems:
    """What is wrong with a request, whose parameters are the texts of its form; nothing for one that conforms."""
    schema = parameters_of(operations, method, path)
    if schema is None:
        return [f"{method.upper()} {path}: Stripe has no such operation"]
    found = judge.check(schema)(_typed(judge, schema, parameters))
    return [f"{method.upper()} {path} {problem}" for problem in found]


def parameters_of(operations: Operations, method: str, path: str) -> Schema | None:
    """The schema of an operation's parameters: of the template that matches a path with the fewest ids in it."""
    matching = [one for one in operations if method.lower() in operations[one] and _pattern(one).fullmatch(path)]
    template = min(matching, key=lambda one: one.count("{"), default=None)
    return None if template is None else operations[template][method.lower()]


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template))


def read_form(form: str) -> dict[str, Any]:
    """`metadata[order]=7&expand[0]=customer` as {"metadata": {"order": "7"}, "expand": ["customer"]}."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *outer, last = [name.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", name)]
        inside = root
        for part in outer:
            inside = inside.setdefault(part or str(len(inside)), {})
        inside[last or str(len(inside))] = value
    return {name: _with_lists(value) for name, value in root.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(one) for name, one in value.items()}
    return [inner[name] for name in sorted(inner, key=int)] if inner and all(name.isdigit() for name in inner) else inner


def _typed(judge: Judge, schema: Schema, value: Any) -> Any:
    """The texts of a form as the kinds that the schema wants, where they read as such."""
    if "anyOf" in schema:
        typed = [(_typed(judge, option, value), judge.check(option)) for option in schema["anyOf"]]
        return next((one for one, check in typed if not check(one)), value)
    if isinstance(value, str):
        return _read_text(schema.get("type", ""), value)
    if isinstance(value, list):
        return [_typed(judge, schema.get("items", {}), one) for one in value]
    if isinstance(value, dict):
        members, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        return {name: _typed(judge, members.get(name, others), one) for name, one in value.items()}
    return value


def _read_text(kind: str, text: str) -> Any:
    if kind == "integer" and INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and NUMBER.fullmatch(text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
