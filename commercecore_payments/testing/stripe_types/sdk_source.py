"""The source of the installed Stripe SDK, parsed and never imported.

Stripe generates the SDK from its own description of the API, so that the annotations of its resources, parameters and
services are that description, for exactly the version that the SDK pins.
"""

import ast
import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

# The API's second version, its events, and files that are no code: nothing there describes what this service speaks.
OTHER_FOLDERS = {"v2", "events", "data"}
# Resources that are containers of others; their schemas are made where they are used.
CONTAINERS = {"list", "search_result"}


@dataclass
class Module:
    """One file of the SDK: its classes, its assignments, and what it imports from where."""

    name: str
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, name: str, path: Path) -> "Module":
        module, tree = cls(name), ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                module.classes[node.name] = node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                module.assigned[node.targets[0].id] = node.value
        for inner in ast.walk(tree):
            if isinstance(inner, ast.ImportFrom) and inner.module:
                module.imports |= {name.asname or name.name: (inner.module, name.name) for name in inner.names}
        return module


Found = tuple[Module, ast.ClassDef | ast.expr]


@dataclass
class Sdk:
    """The whole package."""

    root: Path
    modules: dict[str, Module]
    # The classes of Stripe's objects, by the word in their field `object`.
    resources: dict[str, tuple[Module, ast.ClassDef]]

    @classmethod
    def installed(cls) -> "Sdk":
        """The package that `import stripe` would find. Raises ModuleNotFoundError where there is none."""
        spec = find_spec("stripe")
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError("The package stripe is not installed.")
        return cls.read(Path(spec.origin).parent)

    @classmethod
    def read(cls, root: Path) -> "Sdk":
        modules = {}
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if not OTHER_FOLDERS & set(parts[:-1]):
                name = ".".join(["stripe", *(part for part in parts if part != "__init__")])
                modules[name] = Module.parse(name, path)
        found = [(object_name(node), module, node) for module in modules.values() for node in module.classes.values()]
        return cls(root, modules, {name: (module, node) for name, module, node in found if name and name not in CONTAINERS})

    def lookup(self, module: Module, name: str) -> Found | None:
        """The class or the value behind a name of a module, through its imports."""
        if name in module.classes:
            return module, module.classes[name]
        if name in module.assigned:
            return module, module.assigned[name]
        source, original = module.imports.get(name, ("", ""))
        other = self.modules.get(source)
        return None if other is None or other is module else self.lookup(other, original)

    def version(self) -> str:
        """The version of the package, such as 16.1.0."""
        return self._constant("_version.py", "VERSION")

    def api_version(self) -> str:
        """The version of Stripe's API that the package pins, such as 2026-10-28.endive."""
        return self._constant("_api_version.py", "CURRENT")

    def _constant(self, file: str, name: str) -> str:
        match = re.search(rf'{name} = "([^"]+)"', (self.root / file).read_text(encoding="utf-8"))
        if match is None:
            raise LookupError(f"{file} of the Stripe SDK names no {name}.")
        return match[1]


def object_name(node: ast.ClassDef) -> str:
    """The word in the field `object` of the class's objects; "" for a class that is no resource."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            value = statement.value
            if statement.target.id == "OBJECT_NAME" and isinstance(value, ast.Constant):
                return str(value.value)
    return ""


def unquoted(node: ast.expr) -> ast.expr:
    """The annotation itself, where it stands in quotes."""
    while isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value, mode="eval").body
    return node


def arguments(node: ast.Subscript) -> list[ast.expr]:
    """What stands between the brackets of `Union[…]` and its kind."""
    return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
