"""The description of Stripe's API that the installed SDK carries, as one document in the words of OpenAPI 3."""

import ast
import json
import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from commercecore_payments.testing.stripe_types.annotations import REFERENCE, Annotations, Schema
from commercecore_payments.testing.stripe_types.error_codes import codes_of_error_bodies
from commercecore_payments.testing.stripe_types.sdk_source import Module, Sdk, arguments, unquoted

Description = dict[str, Any]

# Options of a call, which the SDK's older classes annotate among their fields; on the wire they are headers.
OPTIONS = {
    "stripe_version",
    "stripe_account",
    "stripe_context",
    "max_network_retries",
    "idempotency_key",
    "content_type",
    "headers",
}
# The methods by which a service sends a request.
SENDING = {"_request", "_request_stream", "request"}
# The types of errors: https://docs.stripe.com/api/errors, attribute `type`.
ERROR_TYPES = ["api_error", "card_error", "idempotency_error", "invalid_request_error"]


def stored_description(folder: Path) -> Description:
    """The description of the installed SDK, derived where the folder does not hold it yet.

    Processes that meet here may each derive it; the file appears whole, by renaming.
    """
    file = folder / f"stripe-types-{version('stripe')}.json"
    if not file.exists():
        own = file.with_suffix(f".{os.getpid()}")
        own.write_text(json.dumps(describe(Sdk.installed())))
        own.replace(file)
    return dict(json.loads(file.read_text()))


def describe(sdk: Sdk) -> Description:
    """Derives the description of an SDK. Raises UnknownAnnotation where it is written in a way that is not known."""
    schemas = _resources(sdk)
    schemas["api_errors"] = _error(sdk, schemas)
    schemas |= _oauth(sdk)
    schemas["error"] = {
        "type": "object",
        "properties": {"error": {"$ref": f"{REFERENCE}api_errors"}},
        "required": ["error"],
        "additionalProperties": False,
    }
    return {"sdk": sdk.version(), "api": sdk.api_version(), "schemas": schemas, "operations": _operations(sdk)}


def _resources(sdk: Sdk) -> dict[str, Schema]:
    answers = Annotations(sdk, of_requests=False)
    schemas: dict[str, Schema] = {}
    for name, (module, node) in sorted(sdk.resources.items()):
        schema = answers.fields(node, module, [])
        properties = {field: inner for field, inner in schema["properties"].items() if field not in OPTIONS}
        if properties.pop("deleted", None):
            schemas[f"deleted_{name}"] = _deleted(name, properties)
        schemas[name] = {**schema, "properties": properties}
    return schemas


def _deleted(name: str, properties: Schema) -> Schema:
    """What is left of a deleted resource; some still show other fields."""
    left = {
        "id": {"type": "string"},
        "object": {"type": "string", "enum": [name]},
        "deleted": {"type": "boolean", "enum": [True]},
    }
    return {"type": "object", "properties": {**properties, **left}, "required": sorted(left)}


def _error(sdk: Sdk, schemas: dict[str, Schema]) -> Schema:
    module = sdk.modules["stripe._error_object"]
    schema = Annotations(sdk, of_requests=False).fields(module.classes["ErrorObject"], module, [])
    kept: list[str] = schemas["payment_intent"]["properties"]["last_payment_error"]["properties"]["code"]["enum"]
    schema["properties"] |= {
        "type": {"type": "string", "enum": ERROR_TYPES},
        "code": {"type": "string", "enum": codes_of_error_bodies(kept, sdk.api_version()), "nullable": True},
    }
    return schema


def _oauth(sdk: Sdk) -> dict[str, Schema]:
    """The answers of Connect's OAuth, which have no field `object`: the SDK keeps them beside its resources."""
    answers = Annotations(sdk, of_requests=False)
    deauthorization = ast.parse("OAuth.OAuthDeauthorization", mode="eval").body
    # The SDK annotates no field of OAuthErrorObject; these are the two that it fills in (stripe/_error_object.py).
    text = {"type": "string"}
    error = {"type": "object", "properties": {"error": text, "error_description": text}, "required": ["error"]}
    return {
        "oauth_deauthorization": answers.schema(deauthorization, sdk.modules["stripe._oauth"], []),
        "oauth_error": error,
    }


def _operations(sdk: Sdk) -> dict[str, dict[str, Schema]]:
    """The parameters of each operation, by its path's template and its verb, from the SDK's services."""
    requests = Annotations(sdk, of_requests=True)
    found: dict[str, dict[str, Schema]] = {}
    for module in sdk.modules.values():
        if not module.name.endswith("_service"):
            continue
        for method in _methods(module):
            verb, path = _request_line(method)
            if path.startswith(("/v1/", "/oauth/")):
                found.setdefault(path, {}).setdefault(verb, _parameters(method, module, requests))
    return found


def _methods(module: Module) -> list[ast.FunctionDef]:
    return [method for node in module.classes.values() for method in node.body if isinstance(method, ast.FunctionDef)]


def _request_line(method: ast.FunctionDef) -> tuple[str, str]:
    """The verb and the path's template that a service's method sends; both empty where it sends nothing."""
    for call in ast.walk(method):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in SENDING:
            verb, address = call.args[:2]
            if not isinstance(verb, ast.Constant):  # the service's base class, which hands on what it is given
                continue
            if isinstance(address, ast.Call) and isinstance(address.func, ast.Attribute):  # "…{id}…".format(…)
                address = address.func.value
            return str(verb.value), str(ast.literal_eval(address))
    return "", ""


def _parameters(method: ast.FunctionDef, module: Module, requests: Annotations) -> Schema:
    annotation = next((one.annotation for one in method.args.args if one.arg == "params" and one.annotation), None)
    if annotation is None:
        return {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    annotation = unquoted(annotation)
    if isinstance(annotation, ast.Subscript):  # Optional[…]
        annotation = unquoted(arguments(annotation)[0])
    schema = requests.schema(annotation, module, [])
    properties = {name: inner for name, inner in schema["properties"].items() if name not in OPTIONS}
    return {**schema, "properties": properties}


def references(description: Description) -> set[str]:
    """The names of all schemas that others refer to."""
    return set(re.findall(rf'"{REFERENCE}([^"]+)"', json.dumps(description)))
