"""The Postman collection and its environment, in the shape of the published one (collection format v2.0.0)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from commercecore_payments.openapi.auto_schema import PREFIX
from commercecore_payments.openapi.document import document
from commercecore_payments.openapi.examples import of_operation
from commercecore_payments.openapi.postman.lookup import operation_of
from commercecore_payments.openapi.postman.scripts import scripts_of
from commercecore_payments.openapi.postman.steps import FOLDERS, Folder, Step
from idempotency.requests import KEYED_METHODS

Item = dict[str, Any]

FORMAT = "https://schema.getpostman.com/json/collection/v2.0.0/collection.json"
NAME = "CommerceCore Payments"
# What a user fills in; in the sandbox `manage.py create_demo_tenant` prints it.
ENVIRONMENT: Mapping[str, str] = {
    "base_url": "http://127.0.0.1:8000",
    "developer_token": "",
    "app_id": "",
    "user_id": "usr_demo_buyer",
    # Where events are posted. This one takes no POST, so that nothing has to listen: see `Test Webhook Endpoint`.
    "webhook_url": "http://127.0.0.1:8000/api/v1/status",
    # Of the sandbox's own doors; any test key does.
    "sandbox_key": "sk_test_sandbox",
}
HEADER_OF_SCHEME: Mapping[str, tuple[str, str]] = {
    "developerToken": ("X-Developer-Token", "{{developer_token}}"),
    "appId": ("X-App-ID", "{{app_id}}"),
    "userId": ("X-User-ID", "{{user_id}}"),
}
AUTH = {"type": "noauth", "isInherited": False}  # the token stands in a header of its own
AS_JSON = {"raw": {"language": "json"}}


def collection() -> Item:
    """The whole collection; the same at each making."""
    info = {
        "_postman_id": _id(NAME),
        "name": NAME,
        "description": document()["info"]["description"],
        "schema": FORMAT,
    }
    version = {"name": "Version 1", "item": [_folder(folder) for folder in FOLDERS], "id": _id("Version 1")}
    variables = [{"key": "base_url", "value": ENVIRONMENT["base_url"], "type": "string"}]
    return {"info": info, "item": [version], "variable": variables}


def environment() -> Item:
    values = [
        {"key": key, "value": value, "type": "secret" if "token" in key else "default", "enabled": True}
        for key, value in ENVIRONMENT.items()
    ]
    return {"id": _id("environment"), "name": NAME, "values": values, "_postman_variable_scope": "environment"}


def _folder(folder: Folder) -> Item:
    told = next((tag["description"] for tag in document()["tags"] if tag["name"] == folder.name), "")
    return {"name": folder.name, "description": told, "id": _id(folder.name), "item": [_item(step) for step in folder.steps]}


def _item(step: Step) -> Item:
    item: Item = {"name": step.name, "id": _id(step.name), "event": scripts_of(step)}
    if step.sandbox:
        return {**item, "request": _sandbox_request(step), "response": []}
    return {**item, "request": _request(step), "response": [_saved(step, one) for one in of_operation(step.operation)]}


def _request(step: Step) -> Item:
    operation = operation_of(step.operation)
    method, path = step.operation.split(" ")
    address = f"{{{{base_url}}}}{PREFIX}{path}".rstrip("/").replace("{id}", f"{{{{{step.of}}}}}")
    return {
        "auth": AUTH,
        "method": method,
        "header": _headers(operation, method, is_keyed="dry_run" not in (step.body or {})),
        **_body(step.body),
        "url": f"{address}?{step.query}" if step.query else address,
        "description": operation["description"],
    }


def _headers(operation: Item, method: str, *, is_keyed: bool) -> list[Item]:
    """Those that the operation asks for; and a key for what has to be done once, which a dry run is not."""
    schemes = operation["security"][0] if operation["security"] else {}
    found = [_header(*HEADER_OF_SCHEME[name]) for name in schemes]
    if method in KEYED_METHODS and schemes and is_keyed:
        found.append(_header("Idempotency-Key", "{{$guid}}"))
    return found


def _header(key: str, value: str) -> Item:
    return {"key": key, "value": value, "type": "text"}


def _body(body: Mapping[str, Any] | None) -> Item:
    if body is None:
        return {}
    return {"body": {"mode": "raw", "raw": json.dumps(body, indent=4), "options": AS_JSON}}


def _sandbox_request(step: Step) -> Item:
    return {
        "auth": AUTH,
        "method": "POST",
        "header": [_header("Authorization", "Bearer {{sandbox_key}}")],
        **_body({}),
        "url": f"{{{{base_url}}}}{step.sandbox}",
        "description": "What the seller does in a browser: submits Stripe's onboarding form. In the sandbox alone.",
    }


def _saved(step: Step, recorded: Mapping[str, Any]) -> Item:
    """A recorded answer, with the request that it was given to."""
    asked = {
        "method": step.operation.split(" ")[0],
        "header": [],
        **_body(recorded["request"]),
        "url": f"{{{{base_url}}}}{PREFIX}{recorded['path']}".rstrip("/"),
    }
    return {
        "id": _id(f"{step.name}: {recorded['summary']}"),
        "name": recorded["summary"],
        "originalRequest": asked,
        "status": HTTPStatus(recorded["status"]).phrase,
        "code": recorded["status"],
        "_postman_previewlanguage": "json",
        "header": [{"key": "Content-Type", "value": "application/json"}],
        "cookie": [],
        "responseTime": None,
        "body": json.dumps(recorded["answer"], indent=4, ensure_ascii=False),
    }


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"commercecore-payments/{name}"))
