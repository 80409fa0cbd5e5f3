"""All that the apps describe, together."""

from functools import cache

from accounts.schema import SCHEMA as ACCOUNTS
from commercecore_payments.openapi.operations import AppSchema, Described
from commercecore_payments.openapi.service import SCHEMA as SERVICE
from commercecore_payments.openapi.shapes import Shape
from disputes.schema import SCHEMA as DISPUTES
from explanations.schema import SCHEMA as EXPLANATIONS
from paymentmethods.schema import SCHEMA as PAYMENT_METHODS
from refunds.schema import SCHEMA as REFUNDS
from transactions.schema import SCHEMA as TRANSACTIONS
from webhooks.schema import SCHEMA as WEBHOOKS

# In the order in which a reader meets them.
APPS: tuple[AppSchema, ...] = (
    ACCOUNTS,
    TRANSACTIONS,
    EXPLANATIONS,
    REFUNDS,
    PAYMENT_METHODS,
    WEBHOOKS,
    DISPUTES,
    SERVICE,
)


class NotDescribed(Exception):
    """A route of the API is described by no `schema.py`, or by two."""


@cache
def all_operations() -> dict[str, tuple[str, Described]]:
    """By method and path, such as `POST /refunds`: the tag, and the description. Raises NotDescribed where two are alike."""
    found: dict[str, tuple[str, Described]] = {}
    for app in APPS:
        for name, described in app.operations.items():
            if name in found:
                raise NotDescribed(f"{name} is described twice.")
            found[name] = (app.tag, described)
    return found


@cache
def all_components() -> dict[str, Shape]:
    """By name. Raises NotDescribed where two apps give one name to different things."""
    found: dict[str, Shape] = {}
    for app in APPS:
        for name, shape in app.components.items():
            if found.setdefault(name, shape) != shape:
                raise NotDescribed(f"The component {name} is described twice.")
    return found


def tags() -> list[dict[str, str]]:
    return [{"name": app.tag, "description": app.description} for app in APPS if app.operations]
