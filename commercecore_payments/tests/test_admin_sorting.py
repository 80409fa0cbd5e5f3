"""By which columns the lists of the admin are sorted, and what the database reads for it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.db import connection, models
from django.db.models import Model, Q
from django.test import Client, RequestFactory

from commercecore_payments.admin.lists import BoundedChangeList, BoundedLists
from commercecore_payments.admin.sorting import backwards, order_through
from commercecore_payments.tests.admin_pages import list_page
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
from transactions.models import Transaction
from webhooks.models import Delivery

LISTS = [one for one in admin.site._registry.values() if isinstance(one, BoundedLists)]
# Columns in the order of the index that leads through each.
SORTED: dict[type[Model], dict[str, tuple[str, ...]]] = {
    Transaction: {"created_at": ("created_at", "id")},
    Operation: {"id": ("id",), "created_at": ("created_at", "id")},
    Delivery: {"created_at": ("created_at", "sequence", "id")},
    LogEntry: {"when": ("timestamp", "id")},
}

# Lists that are short beside the payments, or of the sandbox alone: sorted whole in their own order.
SORTED_WHOLE = {
    "axes.AccessAttempt",
    "developers.App",
    "developers.Developer",
    "developers.DeveloperToken",
    "developers.RevokedJsonWebToken",
    "disputes.Dispute",
    "refunds.RefundApproval",
    "sandbox.SandboxObject",
    "sandbox.SandboxOrder",
    "webhooks.WebhookEndpoint",
}


def change_list(shown: BoundedLists, superuser: Any, **query: str) -> BoundedChangeList:
    request = RequestFactory().get("/", query)
    request.user = superuser
    found = shown.get_changelist_instance(request)
    assert isinstance(found, BoundedChangeList)
    return found


def sorted_lists(superuser: Any) -> Iterator[tuple[str, Any]]:
    """Each list in its own order and by each of its columns, both ways: what is asked of the database for a page."""
    for shown in LISTS:
        plain = change_list(shown, superuser)
        yield shown.model._meta.label, plain.queryset[:100]
        for name in plain.sortable_by or ():
            for sign in ("", "-"):
                found = change_list(shown, superuser, o=f"{sign}{plain.list_display.index(name)}")
                yield f"{shown.model._meta.label} {sign}{name}", found.queryset[:100]


def steps_of(plan: dict[str, Any]) -> set[str]:
    return {plan["Node Type"]}.union(*(steps_of(each) for each in plan.get("Plans", [])))


class TestAColumn:
    @pytest.mark.parametrize("model", list(SORTED), ids=lambda model: model._meta.label)
    def test_is_sorted_in_the_order_of_its_index_and_of_its_end(self, admin_user: Any, model: Any) -> None:
        shown = admin.site._registry[model]
        assert isinstance(shown, BoundedLists)
        plain = change_list(shown, admin_user)
        assert plain.sortable_by == list(SORTED[model])
        for name, order in SORTED[model].items():
            number = plain.list_display.index(name)
            asked = [change_list(shown, admin_user, o=each).queryset.query.order_by for each in (f"{number}", f"-{number}")]
            assert asked == [order, backwards(order)]

    def test_without_an_index_can_not_be_chosen_on_any_list(self, admin_user: Any) -> None:
        for shown in LISTS:
            plain = change_list(shown, admin_user)
            others = [number for number, name in enumerate(plain.list_display) if name not in (plain.sortable_by or ())]
            for number in others:
                found = change_list(shown, admin_user, o=f"-{number}")
                assert found.queryset.query.order_by == plain.queryset.query.order_by
                assert found.get_query_string() == "?"

    def test_with_an_index_and_a_list_of_any_length_are_never_sorted_by_postgresql(self, admin_user: Any) -> None:
        """But for the few rows of one moment, which an incremental sort takes as they come."""
        if connection.vendor != "postgresql":
            pytest.skip("asks PostgreSQL for its plans")
        sorting, lists = [], list(sorted_lists(admin_user))
        with connection.cursor() as cursor:
            for way in ("sort", "seqscan", "bitmapscan"):  # what it does with small tables; the rest it does where it must
                cursor.execute(f"SET LOCAL enable_{way} = off")
            for name, rows in lists:
                if "Sort" in steps_of(json.loads(rows.explain(format="json"))[0]["Plan"]):
                    sorting.append(name)
        assert (len(lists) > 40, set(sorting)) == (True, SORTED_WHOLE)

    def test_that_is_chosen_leads_to_the_rows_in_its_order(self, tenant: Tenant, seller: str, operator: Client) -> None:
        for name in ("first", "second"):
            tenant.create_payment(seller, order_id=name)
        page = operator.get(list_page(Transaction))
        number = page.context["cl"].list_display.index("created_at")
        assert f"?o={number}" in page.content.decode()
        rows = [
            [row.order_id for row in operator.get(list_page(Transaction), {"o": o}).context["cl"].result_list]
            for o in (f"{number}", f"-{number}")
        ]
        assert rows == [["first", "second"], ["second", "first"]]


class TestAnAddress:
    NOTHING = (
        "",
        "x",
        "-",
        ".",
        "--1",
        "1x",
        "99",
        "-99",
        "²",
        "٣",
        "9" * 5_000,
        "created_at",
        "?",
        "1;DROP",
        "\x00",
        "2." * 5_000,
    )

    @pytest.mark.parametrize("asked", NOTHING, ids=lambda asked: repr(asked[:9]))
    def test_that_asks_for_no_column_shows_the_list_as_it_is(self, admin_user: Any, asked: str) -> None:
        shown = admin.site._registry[Transaction]
        assert isinstance(shown, BoundedLists)
        plain, found = change_list(shown, admin_user), change_list(shown, admin_user, o=asked)
        assert found.queryset.query.order_by == ("-created_at", "-id")
        assert (found.get_query_string(), found.get_ordering_field_columns()) == ("?", plain.get_ordering_field_columns())

    def test_that_asks_for_several_columns_is_sorted_by_the_first_that_can_be(self, admin_user: Any) -> None:
        shown = admin.site._registry[Operation]
        assert isinstance(shown, BoundedLists)
        names = change_list(shown, admin_user).list_display
        kind, key, made = (names.index(name) for name in ("kind_name", "id", "created_at"))
        found = change_list(shown, admin_user, o=f"{kind}.-{key}.{made}", status__exact="succeeded")
        assert found.queryset.query.order_by == ("-id",)
        assert found.get_ordering_field_columns() == {key: "desc"}
        assert found.get_query_string() == f"?o=-{key}&status__exact=succeeded"


class TestAnIndex:
    class Row(models.Model):
        environment = models.CharField(max_length=8)
        made_at = models.DateTimeField()
        left_at = models.DateTimeField()
        read_at = models.DateTimeField(null=True)
        colour = models.CharField(max_length=8)
        name = models.CharField(max_length=8)
        shape = models.CharField(max_length=8)
        size = models.IntegerField()
        code = models.CharField(max_length=8, unique=True)
        serial = models.CharField(max_length=8)
        seen_at = models.DateTimeField(db_index=True)

        class Meta:
            app_label = "tests_of_sorting"
            constraints = [
                models.UniqueConstraint(fields=["environment", "serial"], name="one_a_serial"),
                models.UniqueConstraint(fields=["size", "shape"], name="one_a_size_and_shape"),
                models.UniqueConstraint(fields=["name"], name="by_its_bytes", opclasses=["varchar_pattern_ops"]),
            ]
            indexes = [
                models.Index(fields=["environment", "colour"], name="many_of_each"),
                models.Index(fields=["environment", "-read_at", "-id"], name="missing_in_many"),
                models.Index(fields=["left_at", "id"], name="of_some", condition=Q(size=1)),
                models.Index(fields=["environment", "-made_at"], name="newest"),
                models.Index(fields=["environment", "size", "-id"], name="in_order"),
            ]

    @pytest.mark.parametrize(
        ("column", "order"),
        [
            ("id", ("id",)),
            ("pk", ("id",)),
            ("code", ("code",)),
            ("serial", ("serial",)),
            ("seen_at", ("seen_at", "id")),
            ("made_at", ("made_at", "id")),  # of the same moment there are few
            *((column, ()) for column in ("colour", "size", "read_at", "left_at", "name", "shape", "environment", "nothing")),
        ],
    )
    def test_leads_through_a_column_where_it_holds_all_rows_in_order(self, column: str, order: tuple[str, ...]) -> None:
        assert order_through(self.Row, column) == order
