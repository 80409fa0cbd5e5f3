"""Customers (https://docs.stripe.com/api/customers)."""

from typing import Any

from sandbox.api.pagination import list_page
from sandbox.api.parameters import (
    ADDRESS,
    METADATA,
    SHIPPING,
    Choice,
    Email,
    Kind,
    ListOf,
    Parameter,
    Text,
    takes,
    takes_page,
    unsettable,
)
from sandbox.api.wire import Request
from sandbox.objects import ids, state
from sandbox.resources import payment_methods
from sandbox.timeline import clock

_FIELDS: dict[str, Kind | Parameter] = {
    "address": unsettable(ADDRESS),
    "description": unsettable(Text()),
    "email": unsettable(Email()),
    "name": unsettable(Text(maximum=256)),
    "phone": unsettable(Text(maximum=20)),
    "preferred_locales": ListOf(Text()),
    "shipping": unsettable(SHIPPING),
    "tax_exempt": unsettable(Choice(("exempt", "none", "reverse"))),
    "metadata": METADATA,
}
_NOT_YET = (
    "balance business_name cash_balance individual_name invoice_prefix invoice_settings next_invoice_sequence source tax "
    "tax_id_data test_clock validate default_source"
)
CREATE = takes(payment_method=Text(), **_FIELDS).refusing(_NOT_YET)
UPDATE = takes(**_FIELDS).refusing(_NOT_YET)
RETRIEVE = takes()
DELETE = takes()
LIST = takes_page(email=Text())
LIST_PAYMENT_METHODS = takes_page(type=Text(), allow_redisplay=Text())


def create(request: Request) -> dict[str, Any]:
    """A new customer, with a payment method attached where one is sent."""
    row = state.insert(account=request.account, data=_fresh())
    _apply(row.data, request.parameters)
    state.save(row)
    if "payment_method" in request.parameters:
        payment_methods.attach_to(request.account, request.parameters["payment_method"], row.stripe_id)
    return row.data


def retrieve(request: Request, customer: str) -> dict[str, Any]:
    """The customer; of a deleted one, that it is deleted."""
    row = state.find(request.account, "customer", customer)
    return row.data if row and row.deleted else state.addressed(request.account, "customer", customer, param="id").data


def update(request: Request, customer: str) -> dict[str, Any]:
    """Changes what was sent."""
    row = state.addressed(request.account, "customer", customer, param="id", lock=True)
    _apply(row.data, request.parameters)
    state.save(row)
    return row.data


def delete(request: Request, customer: str) -> dict[str, Any]:
    """Deletes a customer; its payment methods are detached, for good."""
    row = state.addressed(request.account, "customer", customer, param="id", lock=True)
    payment_methods.detach_all(request.account, row.stripe_id)
    state.mark_deleted(row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """Customers, newest first; `email` finds exactly equal ones."""
    email = request.parameters.get("email")
    return list_page(request, "customer", "/v1/customers", **({"data__email": email} if email else {}))


def list_payment_methods(request: Request, customer: str) -> dict[str, Any]:
    """The payment methods attached to a customer, newest first."""
    state.addressed(request.account, "customer", customer, param="customer")
    kind = request.parameters.get("type")
    filters = {"customer": customer} | ({"data__type": kind} if kind else {})
    return list_page(request, "payment_method", f"/v1/customers/{customer}/payment_methods", **filters)


def _apply(data: dict[str, Any], sent: dict[str, Any]) -> None:
    for name in ("address", "description", "email", "name", "phone", "preferred_locales", "shipping", "tax_exempt"):
        if name in sent:
            data[name] = sent[name] or ("none" if name == "tax_exempt" else None)
    if "metadata" in sent:
        data["metadata"] = state.merged_metadata(data["metadata"], sent["metadata"])


def _fresh() -> dict[str, Any]:
    return {
        "id": ids.new_stripe_id("customer"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": clock.now_seconds(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": ids.random_letters(8).upper(),  # eight letters in Stripe's own customers
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
