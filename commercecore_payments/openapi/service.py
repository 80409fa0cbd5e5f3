"""The root and the status of the API, as its description shows them."""

from commercecore_payments.openapi.operations import AppSchema, Described
from commercecore_payments.openapi.shapes import Shape, address, closed, one_of, text

MOMENT = text("UTC, as `2024-09-22 00:44:56.093179`.", pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$")
STARTER_ENDPOINTS = (
    "create_connected_account",
    "continue_onboarding",
    "login_account_dashboard",
    "create_transaction",
    "confirm_transaction",
    "request_refund",
)

COMPONENTS: dict[str, Shape] = {
    "Root": closed(
        {
            "message": text(),
            "version": text(),
            "timpstamp": {**MOMENT, "description": "Spelt as it was published; `timestamp` says the same."},
            "timestamp": MOMENT,
            "starter_endpoints": closed({name: text() for name in STARTER_ENDPOINTS}),
            "documentation": address(),
        }
    ),
    "Status": closed(
        {
            "status": one_of(["ok", "error"]),
            "service": text(),
            "timestamp": MOMENT,
            "base_url": address(),
            "database_status": one_of(["connected", "disconnected"]),
        },
        description="With 200 while the database answers, and with 503 while it does not.",
    ),
}

OPERATIONS = {
    "GET /": Described(
        summary="API root",
        description="The endpoints to start with.",
        data={"$ref": "#/components/schemas/Root"},
        is_bare=True,
    ),
    "GET /status": Described(
        summary="API status",
        description="Whether the database answers: 200, or 503 with the same body.",
        data={"$ref": "#/components/schemas/Status"},
        is_bare=True,
    ),
}

SCHEMA = AppSchema(tag="API Health and Status", description="Open to everybody.", components=COMPONENTS, operations=OPERATIONS)
