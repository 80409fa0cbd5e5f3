"""For tests of reconciliation: the command as its caller sees it."""

import json
from io import StringIO
from typing import Any

from django.core.management import call_command


def reconcile(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit status of `manage.py reconcile`, and what it found. Nothing is too young, unless a test says otherwise."""
    out = StringIO()
    status = 0
    try:
        call_command("reconcile", *arguments, *([] if "--grace" in arguments else ["--grace", "0"]), format="json", stdout=out)
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, json.loads(out.getvalue())


def differences(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The type, the object and the state of each difference that was found."""
    return sorted((case["type"], case["object_id"], case["state"]) for case in found["cases"])
