"""From the SDK's annotations to schemas: plain dictionaries in the words of OpenAPI 3.

`Literal[…]` beside `str` is how the SDK spells an open list of documented words; here the documented words are the
schema, since a sandbox has no reason to answer an undocumented one.
"""

import ast
from typing import Any

from commercecore_payments.testing.stripe_types.sdk_source import Module, Sdk, arguments, object_name, unquoted

Schema = dict[str, Any]

SCALARS: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "Decimal": {"type": "string", "format": "decimal"},
    "Any": {},
    "object": {},
    "StripeObject": {"type": "object"},
    "UntypedStripeObject": {"type": "object"},
}
LISTS = {"List", "list", "Sequence"}
MAPPINGS = {"Dict", "dict", "Mapping", "UntypedStripeObject"}
NO_FIELDS_OF_THEIR_OWN = {"RequestOptions", "TypedDict", "StripeObject"}
REFERENCE = "#/components/schemas/"


class UnknownAnnotation(Exception):
    """The SDK annotates in a way that is not known here: nothing may pass unjudged, so this has to be learnt."""


class Annotations:
    """Reads the annotations of answers, or those of requests, whose objects take no other fields than the named ones."""

    def __init__(self, sdk: Sdk, *, of_requests: bool) -> None:
        self._sdk = sdk
        self._of_requests = of_requests

    def schema(self, node: ast.expr, module: Module, scope: list[ast.ClassDef]) -> Schema:
        """The schema of an annotation. `scope` are the classes around it, the outermost first."""
        node = unquoted(node)
        if isinstance(node, ast.BinOp):
            return self._union(_operands(node), module, scope)
        if isinstance(node, ast.Subscript):
            return self._subscript(ast.unparse(node.value), node, module, scope)
        if isinstance(node, ast.Constant) and node.value is None:
            return {"nullable": True}
        if isinstance(node, ast.Name) and node.id in SCALARS:
            return dict(SCALARS[node.id])
        if isinstance(node, ast.Name):
            nested = _nested(node.id, scope)
            return self.fields(nested, module, scope) if nested else self._named(node.id, module)
        return self._named(ast.unparse(node), module)

    def _subscript(self, base: str, node: ast.Subscript, module: Module, scope: list[ast.ClassDef]) -> Schema:
        inside = arguments(node)
        if base == "Literal":
            return _literal(node)
        if base == "Union":
            return self._union([unquoted(part) for part in inside], module, scope)
        if base in MAPPINGS:
            return _mapping(self.schema(inside[-1], module, scope))
        inner = self.schema(inside[0], module, scope)
        if base == "Optional":
            return {"anyOf": [inner], "nullable": True} if "$ref" in inner else {**inner, "nullable": True}
        if base in LISTS:
            return {"type": "array", "items": inner}
        return self._of_stripe(base, inner)

    @staticmethod
    def _of_stripe(base: str, inner: Schema) -> Schema:
        if base in ("NotRequired", "ClassVar"):
            return inner
        if base == "ExpandableField":
            return {"anyOf": [{"type": "string"}, *inner.get("anyOf", [inner])]}
        if base == "ListObject":
            return page(inner, "list")
        if base == "SearchResultObject":
            return page(inner, "search_result")
        raise UnknownAnnotation(base)

    def _union(self, parts: list[ast.expr], module: Module, scope: list[ast.ClassDef]) -> Schema:
        parts = _without_open_text(parts)
        nullable = any(isinstance(part, ast.Constant) and part.value is None for part in parts)
        found = [self.schema(part, module, scope) for part in parts if not isinstance(part, ast.Constant)]
        different = [schema for place, schema in enumerate(found) if schema not in found[:place]]
        different.sort(key=lambda schema: schema.get("enum") == [""])  # "" unsets: tried last
        joined = dict(different[0]) if len(different) == 1 else {"anyOf": different}
        return {**joined, "nullable": True} if nullable else joined

    def _named(self, text: str, module: Module) -> Schema:
        first, *rest = text.split(".")
        found = self._sdk.lookup(module, first)
        if found is None:
            raise UnknownAnnotation(f"{text} in {module.name}")
        home, node = found
        around: list[ast.ClassDef] = []
        for part in rest:
            if not isinstance(node, ast.ClassDef):
                raise UnknownAnnotation(f"{text} in {module.name}")
            around.append(node)
            node = next(inner for inner in node.body if isinstance(inner, ast.ClassDef) and inner.name == part)
        return self._value(node, home, around)

    def _value(self, node: ast.ClassDef | ast.expr, module: Module, around: list[ast.ClassDef]) -> Schema:
        if isinstance(node, ast.ClassDef):
            name = object_name(node)
            return {"$ref": REFERENCE + name} if name and not self._of_requests else self.fields(node, module, around)
        if isinstance(node, ast.Call):
            return self._functional(node, module)
        return self.schema(node, module, [])

    def fields(self, node: ast.ClassDef, module: Module, scope: list[ast.ClassDef]) -> Schema:
        """The schema of a class: an object with its fields. A class inside of itself is any object."""
        if node in scope:
            return {"type": "object"}
        properties, required = self._inherited(node, module, scope)
        for place, statement in enumerate(node.body):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                name = statement.target.id
                if not name.startswith("_") and name != "OBJECT_NAME":
                    schema, must = self._field(statement.annotation, module, [*scope, node])
                    properties[name] = _dated(schema, _documentation(node.body, place))
                    required |= {name} if must else set()
        properties, required = _on_the_wire(node, properties, required)
        return self._object(properties, required)

    def _inherited(self, node: ast.ClassDef, module: Module, scope: list[ast.ClassDef]) -> tuple[Schema, set[str]]:
        properties: Schema = {}
        required: set[str] = set()
        for base in node.bases:
            found = self._sdk.lookup(module, ast.unparse(base)) if self._of_requests else None
            if found is None or ast.unparse(base) in NO_FIELDS_OF_THEIR_OWN:
                continue
            home, parent = found
            schema = self.fields(parent, home, scope) if isinstance(parent, ast.ClassDef) else self._value(parent, home, [])
            properties |= schema["properties"]
            required |= set(schema.get("required", []))
        return properties, required

    def _functional(self, node: ast.Call, module: Module) -> Schema:
        """`TypedDict("Name", {…})`, which the SDK writes where a field's name is a word of Python."""
        members = node.args[1]
        if not isinstance(members, ast.Dict):
            raise UnknownAnnotation(ast.unparse(node)[:60])
        properties, required = {}, set()
        for key, value in zip(members.keys, members.values, strict=True):
            name = str(ast.literal_eval(key)) if key is not None else ""
            properties[name], must = self._field(value, module, [])
            required |= {name} if must else set()
        return self._object(properties, required)

    def _field(self, annotation: ast.expr, module: Module, scope: list[ast.ClassDef]) -> tuple[Schema, bool]:
        """A field's schema, and whether it must be there."""
        annotation = unquoted(annotation)
        base = ast.unparse(annotation.value) if isinstance(annotation, ast.Subscript) else ""
        return self.schema(annotation, module, scope), base != ("NotRequired" if self._of_requests else "Optional")

    def _object(self, properties: Schema, required: set[str]) -> Schema:
        schema: Schema = {"type": "object", "properties": properties, "required": sorted(required)}
        return {**schema, "additionalProperties": False} if self._of_requests else schema


def page(item: Schema, word: str) -> Schema:
    """The schema of a list of items: `list`, or `search_result` with its own way of going on."""
    properties = {
        "object": {"type": "string", "enum": [word]},
        "data": {"type": "array", "items": item},
        "has_more": {"type": "boolean"},
        "url": {"type": "string"},
    }
    if word == "search_result":
        properties |= {"next_page": {"type": "string", "nullable": True}, "total_count": {"type": "integer"}}
    return {"type": "object", "properties": properties, "required": ["data", "has_more", "object", "url"]}


def _mapping(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value} if value else {"type": "object"}


def _literal(node: ast.Subscript) -> Schema:
    words = [ast.literal_eval(argument) for argument in arguments(node)]
    kinds = {bool: "boolean", int: "integer", str: "string"}
    return {"type": kinds[type(words[0])], "enum": words}


def _operands(node: ast.BinOp) -> list[ast.expr]:
    """The parts of `a | b | c`, in order."""
    sides = [unquoted(node.left), unquoted(node.right)]
    return [part for side in sides for part in (_operands(side) if isinstance(side, ast.BinOp) else [side])]


def _without_open_text(parts: list[ast.expr]) -> list[ast.expr]:
    """`Literal[…] | str` without `str`, where the words are documented; `Literal[""] | str` without the `Literal`."""
    text = [part for part in parts if isinstance(part, ast.Name) and part.id == "str"]
    words = [part for part in parts if isinstance(part, ast.Subscript) and ast.unparse(part.value) == "Literal"]
    if not text or not words:
        return parts
    documented = any(_literal(part)["enum"] != [""] for part in words)
    return [part for part in parts if part not in (text if documented else words)]


def _nested(name: str, scope: list[ast.ClassDef]) -> ast.ClassDef | None:
    """The class of this name that stands inside of one of the classes around, the innermost first."""
    inner = (statement for around in reversed(scope) for statement in around.body)
    return next((one for one in inner if isinstance(one, ast.ClassDef) and one.name == name), None)


def _documentation(body: list[ast.stmt], place: int) -> str:
    following = body[place + 1] if place + 1 < len(body) else None
    value = following.value if isinstance(following, ast.Expr) else None
    return " ".join(value.value.split()) if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _dated(schema: Schema, documentation: str) -> Schema:
    """The schema of a moment, told by the words that the SDK's documentation has for each."""
    moment = "since the Unix epoch" in documentation and schema.get("type") == "integer"
    return {**schema, "format": "unix-time"} if moment else schema


def _on_the_wire(node: ast.ClassDef, properties: Schema, required: set[str]) -> tuple[Schema, set[str]]:
    """The fields under their own names, where the SDK gave them others that are no words of Python."""
    renamed: dict[str, str] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "_field_remappings":
            renamed = ast.literal_eval(statement.value)
    own = {renamed.get(name, name): schema for name, schema in properties.items()}
    return own, {renamed.get(name, name) for name in required}
