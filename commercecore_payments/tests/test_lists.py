"""What all lists share: pages by cursor, their filters, how much they ask of the database, and whose rows they show."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commercecore_payments.clock import now
from commercecore_payments.tests.listed_rows import (
    BEGAN,
    LISTS,
    made,
    make_account,
    make_endpoint,
    make_method,
    make_payment,
    make_refund,
    shown,
)
from commercecore_payments.tests.tenants import BASE, Tenant
from transactions.models import Transaction

PATHS = list(LISTS)
FILTERED = {
    "/transactions": ("order_id", "account_id", "status", "user_id", "amount"),
    "/refunds": ("order_id", "transaction_id", "account_id", "status", "user_id", "amount"),
}


def pages(tenant: Tenant, address: str) -> Iterator[list[str]]:
    """The ids of each page, from link to link."""
    name, key, _, _ = LISTS[urlsplit(address).path]
    while address:
        body = tenant.get(address).json()
        assert body["data"]["has_more"] is (body["links"]["next"] is not None)
        yield [row[key] for row in body["data"][name]]
        address = (body["links"]["next"] or "").removeprefix(BASE)


def queries(tenant: Tenant, address: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert tenant.get(address).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def refusal(response: Any) -> tuple[int, str, list[str]]:
    details = response.json()["details"]
    return response.status_code, details["code"], list(details["fields"])


@pytest.mark.parametrize("path", PATHS)
class TestEveryList:
    def test_leads_from_page_to_page_to_each_row_once_the_newest_first(self, tenant: Tenant, path: str) -> None:
        ids = made(tenant, path, 7)
        assert list(pages(tenant, f"{path}?limit=3")) == [ids[:3], ids[3:6], ids[6:]]
        assert list(pages(tenant, path)) == [ids]
        assert list(pages(tenant, f"{path}?limit=7&app_id={tenant.app.pk}")) == [ids]
        first = tenant.get(f"{path}?limit=3&created_from=0").json()
        assert first["links"]["next"] == f"{BASE}{path}?limit=3&created_from=0&starting_after={ids[2]}"

    def test_counts_nothing_skips_nothing_and_asks_as_much_for_a_hundred_rows_as_for_one(self, tenant: Tenant, path: str) -> None:
        ids = made(tenant, path, 102)
        address = f"{path}?starting_after={ids[0]}&limit="
        queries(tenant, path)  # whoever asks for the first time is made known to the rate limits
        asked = queries(tenant, f"{address}100")
        assert len(asked) == len(queries(tenant, f"{address}1"))
        assert not [sql for sql in asked if "COUNT(" in sql or "OFFSET" in sql]
        reads = [sql for sql in asked if "LIMIT 101" in sql]
        assert len(reads) == (2 if path in FILTERED else 1)  # own ones, and those that were made past this service
        assert all(re.search(r"""\("\w+"."created_at", "\w+"."id"\) < \(""", sql) and " OR " not in sql for sql in reads)

    def test_shows_what_was_created_in_a_range_without_its_end(self, tenant: Tenant, path: str) -> None:
        ids = made(tenant, path, 6)
        second = int(BEGAN.timestamp()) + 1
        assert shown(tenant, f"{path}?created_from={second}") == ids[:4]
        assert shown(tenant, f"{path}?created_before={second}") == ids[4:]
        assert shown(tenant, f"{path}?created_from={second}&created_before={second + 1}") == ids[2:4]
        assert shown(tenant, f"{path}?created_from={second}&starting_after={ids[2]}") == ids[3:4]

    @pytest.mark.parametrize(
        "query",
        ["limit=0", "limit=101", "limit=x", "limit=", "starting_after=x_1", "created_from=-1", "created_before=253402300800",
         "created_from=2026-11-29", "order=asc", "app__id=1", "status__in=x", "-pk=1",
         "limit=1&limit=2", "created_from=1&created_from=1"],
    )  # fmt: skip
    def test_refuses_what_it_does_not_know(self, tenant: Tenant, path: str, query: str) -> None:
        assert refusal(tenant.get(f"{path}?{query}")) == (400, "invalid_body", [query.partition("=")[0]])

    def test_complains_of_the_query_and_not_of_a_body(self, tenant: Tenant, path: str) -> None:
        told = tenant.get(f"{path}?created_from=2026-11-29").json()["detail"]
        assert told == "Invalid query. 'created_from': A moment is a whole number of seconds since 1970, such as 1796040000."

    def test_shows_nobody_elses_rows_whatever_is_asked_for(self, tenant: Tenant, path: str) -> None:
        others = [Tenant.create(), Tenant.create()]
        foreign = [identifier for other in others for identifier in made(other, path, 2)]
        own = made(tenant, path, 2)
        assert shown(tenant, path) == own
        for address in (f"{path}?limit=1", f"{path}?created_from=0", f"{path}?starting_after={own[0]}"):
            assert not set(foreign) & {identifier for page in pages(tenant, address) for identifier in page}
        for identifier in foreign:
            assert refusal(tenant.get(f"{path}?starting_after={identifier}"))[:2] == (400, "unknown_starting_point")


class TestTheTransactions:
    def test_are_shown_as_a_read_shows_them_but_for_what_is_under_way(self, tenant: Tenant) -> None:
        payment = make_payment(tenant)
        read = tenant.get(f"/transactions/{payment.stripe_payment_intent_id}").json()["data"]
        assert read.pop("open_operations") == []
        assert tenant.get("/transactions").json()["data"] == {"transactions": [read], "has_more": False}

    def test_are_those_that_pass_every_filter(self, tenant: Tenant) -> None:
        payment = make_payment(tenant, user_id="usr_bob", order_id="1", amount_minor=2000, status="canceled", holds_order=False)
        make_payment(tenant, order_id="2", account=payment.account)
        values = ("1", payment.account.stripe_account_id, "canceled", "usr_bob", 2000)
        wanted = dict(zip(FILTERED["/transactions"], values, strict=True))
        for name, value in wanted.items():
            found = shown(tenant, f"/transactions?{name}={value}")
            assert len(found) == (2 if name == "account_id" else 1)
            assert payment.stripe_payment_intent_id in found
        every = "&".join(f"{name}={value}" for name, value in wanted.items())
        assert shown(tenant, f"/transactions?{every}") == [payment.stripe_payment_intent_id]
        assert shown(tenant, f"/transactions?{every.replace('2000', '1000')}") == []

    def test_are_merged_with_those_that_were_made_past_this_service(self, tenant: Tenant) -> None:
        began = now() - timedelta(hours=1)
        account = make_account(tenant)
        places = [began + timedelta(seconds=number // 2) for number in range(6)]
        rows = [
            make_payment(tenant, external=at % 3 == 0, created_at=moment, account=account) for at, moment in enumerate(places)
        ]
        ids = [row.stripe_payment_intent_id for row in reversed(rows)]
        for limit in (1, 2, 3, 5, 6):
            found = [identifier for page in pages(tenant, f"/transactions?limit={limit}") for identifier in page]
            assert found == ids
        assert len(shown(tenant, f"/transactions?account_id={account.stripe_account_id}")) == 6
        assert len(shown(tenant, f"/transactions?user_id={tenant.user_id}")) == 4

    def test_leave_out_what_stripe_has_not_made(self, tenant: Tenant) -> None:
        for order_id, status in (("1", "creating"), ("2", "creation_failed")):
            make_payment(tenant, stripe_payment_intent_id="", status=status, order_id=order_id, amount_received_minor=0)
        assert shown(tenant, "/transactions") == []
        assert refusal(tenant.get("/transactions?status=creating")) == (400, "invalid_body", ["status"])


class TestTheRefunds:
    def test_are_shown_as_a_read_shows_them(self, tenant: Tenant) -> None:
        refund = make_refund(tenant, status="failed")
        read = tenant.get(f"/refunds/{refund.stripe_refund_id}").json()["data"]
        assert read.pop("message") == "Refund failed"
        assert tenant.get("/refunds").json()["data"] == {"refunds": [read], "has_more": False}

    def test_are_those_that_pass_every_filter(self, tenant: Tenant) -> None:
        payment = make_payment(tenant, user_id="usr_bob", order_id="1")
        refund = make_refund(tenant, transaction=payment, status="failed", amount_minor=7)
        make_refund(tenant)
        values = ("1", payment.stripe_payment_intent_id, payment.account.stripe_account_id, "failed", "usr_bob", 7)
        wanted = dict(zip(FILTERED["/refunds"], values, strict=True))
        for name, value in wanted.items():
            assert shown(tenant, f"/refunds?{name}={value}") == [refund.stripe_refund_id]
        every = "&".join(f"{name}={value}" for name, value in wanted.items())
        assert shown(tenant, f"/refunds?{every}") == [refund.stripe_refund_id]
        assert shown(tenant, f"/refunds?{every.replace('failed', 'pending')}") == []

    def test_are_merged_with_those_of_payments_that_were_made_past_this_service(self, tenant: Tenant) -> None:
        own, external = make_refund(tenant), make_refund(tenant, transaction=make_payment(tenant, external=True))
        newest = make_refund(tenant, stripe_refund_id="pyr_1", user_id="")
        ids = [newest.stripe_refund_id, external.stripe_refund_id, own.stripe_refund_id]
        assert [identifier for page in pages(tenant, "/refunds?limit=1") for identifier in page] == ids
        assert shown(tenant, "/refunds?starting_after=pyr_1&limit=1") == ids[1:2]
        assert shown(tenant, f"/refunds?user_id={tenant.user_id}") == ids[2:]

    def test_of_an_account_are_found_by_their_own_account_whoever_made_their_payment(self, tenant: Tenant) -> None:
        payment = make_payment(tenant)
        external = make_payment(tenant, account=payment.account, external=True)
        make_refund(tenant)
        rows = [make_refund(tenant, transaction=each) for each in (payment, external, payment)]
        address = f"/refunds?account_id={payment.account.stripe_account_id}"
        assert shown(tenant, address) == [row.stripe_refund_id for row in reversed(rows)]
        reads = [sql for sql in queries(tenant, address) if "LIMIT 21" in sql]
        assert sum('"refunds_refund"."account_id" = (' in sql for sql in reads) == 2
        assert sum('"refunds_refund"."account_id" IS NULL' in sql for sql in reads) == 2
        assert len(reads) == 4

    def test_of_an_account_include_what_the_release_before_has_written_beside_this_one(self, tenant: Tenant) -> None:
        payment = make_payment(tenant)
        external = make_payment(tenant, account=payment.account, external=True)
        rows = [
            make_refund(tenant, transaction=each, account=account)
            for each, account in ((payment, None), (payment, payment.account), (external, None), (payment, None))
        ]
        make_refund(tenant, account=None)
        address = f"/refunds?account_id={payment.account.stripe_account_id}"
        ids = [row.stripe_refund_id for row in reversed(rows)]
        assert [identifier for page in pages(tenant, f"{address}&limit=1") for identifier in page] == ids
        assert shown(Tenant.create(), address) == []


@pytest.mark.parametrize("path", list(FILTERED))
class TestAnotherTenant:
    def test_sees_nothing_through_any_filter(self, tenant: Tenant, path: str) -> None:
        """Of the same developer's other app, and of another developer who names the same user, order and account."""
        payment = make_payment(tenant, order_id="1")
        refund = make_refund(tenant, transaction=payment)
        asked = {
            "order_id": "1", "transaction_id": payment.stripe_payment_intent_id, "user_id": tenant.user_id,
            "account_id": payment.account.stripe_account_id, "status": "succeeded", "amount": "1000",
        }  # fmt: skip
        starting_after = refund.stripe_refund_id if path == "/refunds" else payment.stripe_payment_intent_id
        sister = Tenant.create()
        sister.app.developer = tenant.developer
        sister.app.save()
        for other in (Tenant.create(), Tenant(tenant.developer, sister.app, tenant.token)):
            assert shown(other, path) == []
            for name in FILTERED[path]:
                assert shown(other, f"{path}?{name}={asked[name]}") == []
            assert refusal(other.get(f"{path}?starting_after={starting_after}"))[:2] == (400, "unknown_starting_point")
        assert len(shown(tenant, path)) == 1

    def test_sees_what_was_made_past_this_service_with_every_app_of_the_developer_alone(self, tenant: Tenant, path: str) -> None:
        payment = make_payment(tenant, external=True)
        make_refund(tenant, transaction=payment)
        assert (len(shown(tenant, path)), shown(Tenant.create(), path)) == (1, [])


class TestThePaymentMethods:
    def test_are_the_users_own(self, tenant: Tenant) -> None:
        bobs = make_method(tenant.as_user("usr_bob"))
        assert shown(tenant, "/payment-methods") == []
        address = f"/payment-methods?starting_after={bobs.stripe_payment_method_id}"
        assert refusal(tenant.get(address))[:2] == (400, "unknown_starting_point")


class TestTheWebhookEndpoints:
    def test_are_those_of_a_status_where_one_is_named(self, tenant: Tenant) -> None:
        on = make_endpoint(tenant)
        off = make_endpoint(tenant, status="disabled", disabled_at=now(), disabled_reason="by_developer")
        assert [shown(tenant, f"/webhook-endpoints?status={one.status}") for one in (on, off)] == [[on.pk], [off.pk]]


def test_a_list_writes_nothing(tenant: Tenant) -> None:
    made(tenant, "/transactions", 3)
    before = list(Transaction.objects.order_by("pk").values())
    queries(tenant, "/transactions")
    written = [sql.split() for sql in queries(tenant, "/transactions") if not sql.startswith("SELECT")]
    assert [words[:2] for words in written] == [["UPDATE", "rate_limits_bucket"]]
    assert list(Transaction.objects.order_by("pk").values()) == before
