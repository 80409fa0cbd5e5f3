"""What a caller may name: every route that takes a body, with every field of every record that it does not take."""

from typing import Any

from django.apps import apps

from commercecore_payments.testing.emptying import WRITTEN_BY_MIGRATIONS
from commercecore_payments.tests.matrix.routes import ROUTES, Route
from commercecore_payments.tests.matrix.rows import all_rows, moved
from commercecore_payments.tests.matrix.world import unknown
from commercecore_payments.tests.tenants import Tenant

# Beside the names of columns: what other services are known to have taken, and what reaches into a language's inside.
OTHER_NAMES = (
    "tenant", "tenant_id", "app", "user", "user_id", "role", "is_admin", "is_staff", "is_superuser", "admin", "livemode", "live",
    "amount_refunded", "amount_received", "amount_minor", "paid", "succeeded", "captured", "secret", "client_secret", "token",
    "on_behalf_of", "stripe_account", "transfer_data", "customer", "source", "card", "number", "cvc", "confirm", "expand",
    "idempotency_key", "webhook_id", "_id", "__proto__", "constructor", "__class__", "pk", "*", "",
)  # fmt: skip
BODIES = ("POST", "PATCH", "PUT")


def names_of_columns() -> set[str]:
    """Of every record, as the code and as the database calls them."""
    fields = [field for model in apps.get_models() if model._meta.managed for field in model._meta.concrete_fields]
    return {name for field in fields for name in (field.name, field.attname)} - WRITTEN_BY_MIGRATIONS


def wrong_with(tenant: Tenant, route: Route) -> list[str]:
    ids = {name: unknown(name) for name in route.ids()}
    body = route.filled_body(ids) or {}
    taken = {*body, *route.more}
    extra = (names_of_columns() | set(OTHER_NAMES)) - taken
    answer: Any = getattr(tenant.client, route.method.lower())(
        route.address(ids), {**body, **dict.fromkeys(extra, "x")}, format="json", headers=tenant.headers
    )
    fields = answer.json()["details"]["fields"]
    if answer.status_code != 400 or any(complaints != ["Unknown field."] for complaints in fields.values()):
        return [f"{route}: {answer.status_code} {answer.content.decode()[:300]}"]
    return [f"{route} takes {name}" for name in sorted(extra - fields.keys())] + [
        f"{route} does not take {name}" for name in sorted(fields.keys() - extra)
    ]


class TestABody:
    def test_with_a_field_that_the_route_does_not_take_is_refused_by_its_name(self, tenant: Tenant) -> None:
        before = all_rows()
        assert [problem for route in ROUTES if route.method in BODIES for problem in wrong_with(tenant, route)] == []
        assert moved(before, all_rows()) == {"made": [], "changed": []}

    def test_with_a_known_field_of_a_wrong_type_or_a_list_is_refused_and_moves_nothing(self, tenant: Tenant) -> None:
        """None of a route's own fields takes an object or a list, but those that are such: no key of it reaches a query."""
        before, wrong = all_rows(), []
        for route in (route for route in ROUTES if route.method in BODIES):
            ids = {name: unknown(name) for name in route.ids()}
            body = route.filled_body(ids) or {}
            for name in {*body, *route.more} - {"metadata", "events"}:
                for value in ({"__gt": ""}, ["x"], [], {}):
                    answer = getattr(tenant.client, route.method.lower())(
                        route.address(ids), {**body, name: value}, format="json", headers=tenant.headers
                    )
                    if answer.status_code != 400 or list(answer.json()["details"]["fields"]) != [name]:
                        wrong.append(f"{route}: {name}={value}: {answer.status_code} {answer.content.decode()[:200]}")
        assert wrong == []
        assert moved(before, all_rows()) == {"made": [], "changed": []}
