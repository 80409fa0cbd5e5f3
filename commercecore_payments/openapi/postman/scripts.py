"""The scripts of the collection: they hold each answer to its status and its shape, and keep what later requests need."""

import json
from typing import Any

from commercecore_payments.openapi.document import document
from commercecore_payments.openapi.postman.lookup import operation_of
from commercecore_payments.openapi.postman.steps import Step


def scripts_of(step: Step) -> list[dict[str, Any]]:
    before = [f"pm.collectionVariables.set({json.dumps(name)}, pm.variables.replaceIn('{{{{$guid}}}}'));" for name in step.fresh]
    return [_script("prerequest", before), _script("test", [*_status(step), *_shape(step), *_keeping(step)])]


def _script(listen: str, lines: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": lines or [""]}}


def _status(step: Step) -> list[str]:
    return [f"pm.test('answers {step.status}', () => pm.response.to.have.status({step.status}));"]


def _shape(step: Step) -> list[str]:
    """The fields that the description requires, and none that it does not know."""
    if step.sandbox:
        return []
    lines = ["const answer = pm.response.json();"]
    for place, shape in _objects(step):
        required, known = json.dumps(shape["required"]), json.dumps(sorted(shape["properties"]))
        where = f"answer{place}"
        lines += [
            f"pm.test('{where} has its fields', () => pm.expect(Object.keys({where})).to.include.members({required}));",
            f"pm.test('{where} has no other', () => pm.expect({known}).to.include.members(Object.keys({where})));",
        ]
    return lines


def _objects(step: Step) -> list[tuple[str, dict[str, Any]]]:
    """Where in the answer the closed objects stand whose fields are held: the answer itself, and its `data`."""
    answer = _resolved(operation_of(step.operation)["responses"][str(step.status)]["content"]["application/json"]["schema"])
    data = answer["properties"].get("data")
    return [("", answer), *([(".data", _resolved(_form(step, data)))] if data is not None else [])]


def _form(step: Step, data: dict[str, Any]) -> dict[str, Any]:
    """Of two forms of `data` the second is a dry run's."""
    forms: list[dict[str, Any]] = data.get("anyOf", [data])
    return forms[-1] if "dry_run" in (step.body or {}) else forms[0]


def _resolved(shape: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in shape:
        return shape
    found: dict[str, Any] = document()["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    return found


def _keeping(step: Step) -> list[str]:
    return [f"pm.collectionVariables.set('{name}', {_where(place)});" for name, place in step.keeps.items()]


def _where(place: str) -> str:
    """`data.deliveries.0.id` of the answer; `@order_id` is another variable."""
    if place.startswith("@"):
        return f"pm.collectionVariables.get('{place[1:]}')"
    return "answer" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in place.split("."))
