"""How requests are judged, and how answers are paged and expanded."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
import time_machine

from sandbox.api.errors import ParameterRefused
from sandbox.api.wire import read_form
from sandbox.tests.refusals import told

Make = Callable[..., Any]


class TestAForm:
    def test_nests_by_its_brackets(self) -> None:
        assert read_form("metadata[order]=7&expand[0]=a&expand[1]=b&card[x][y]=z&empty=") == {
            "metadata": {"order": "7"},
            "expand": ["a", "b"],
            "card": {"x": {"y": "z"}},
            "empty": "",
        }

    def test_counts_lists_without_numbers(self) -> None:
        assert read_form("expand[]=a&expand[]=b") == {"expand": ["a", "b"]}

    @pytest.mark.parametrize("form", ["a[b=1", "[a]=1", "a]b=1", "a[b]c=1", "a=1&a[b]=2", "a[b]=2&a=1", "a" + "[b]" * 9 + "=1"])
    def test_that_is_malformed_is_refused(self, form: str) -> None:
        with pytest.raises(ParameterRefused):
            read_form(form)


class TestAParameter:
    @pytest.mark.parametrize(
        ("parameters", "code", "param"),
        [
            ({"currency": "usd"}, "parameter_missing", "amount"),
            ({"amount": 1000}, "parameter_missing", "currency"),
            ({"foo": "bar"}, "parameter_unknown", "foo"),
            ({"hooks": {"inputs": {}, "x": "1"}}, None, "hooks"),
            ({"amount": "1.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
            ({"amount": "", "currency": "usd"}, "parameter_invalid_empty", "amount"),
            ({"amount": 1000, "currency": "usd", "confirm": "yes"}, None, "confirm"),
            ({"amount": 1000, "currency": "usd", "capture_method": "later"}, None, "capture_method"),
            ({"amount": 1000, "currency": "usd", "metadata": "x"}, None, "metadata"),
            ({"amount": 1000, "currency": "usd", "description": {"a": "b"}}, None, "description"),
            ({"amount": 1000, "currency": "usd", "description": "x" * 1001}, None, "description"),
            ({"amount": 1000, "currency": "usd", "expand": "customer"}, None, "expand"),
            ({"amount": 1000, "currency": "usd", "receipt_email": "nobody"}, "email_invalid", "receipt_email"),
            (
                {"amount": 1000, "currency": "usd", "automatic_payment_methods": {"allow_redirects": "never"}},
                "parameter_missing",
                "automatic_payment_methods[enabled]",
            ),
        ],
    )
    def test_that_is_wrong_is_refused_by_name(self, v1: Any, parameters: dict[str, Any], code: str | None, param: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.payment_intents.create(parameters)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
        assert told(refused).type == "invalid_request_error"
        assert v1.payment_intents.list().data == []

    def test_with_a_null_byte_is_refused(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError):
            v1.customers.create({"name": "a\x00b"})
        assert v1.customers.list().data == []

    def test_that_is_unknown_is_named_with_the_others(self, v1: Any) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.customers.create({"foo": "1", "bar": "2"})
        assert "Received unknown parameters: foo, bar" in str(refused.value)


class TestMetadata:
    @pytest.mark.parametrize(
        "metadata",
        [{f"key{number}": "x" for number in range(50)}, {"k" * 40: "x"}, {"key": "v" * 500}],
    )
    def test_at_the_edge_is_kept(self, v1: Any, metadata: dict[str, str]) -> None:
        assert v1.customers.create({"metadata": metadata}).metadata.to_dict() == metadata

    @pytest.mark.parametrize(
        "metadata",
        [{f"key{number}": "x" for number in range(51)}, {"k" * 41: "x"}, {"key": "v" * 501}, {"key": {"nested": "x"}}],
    )
    def test_beyond_the_edge_is_refused(self, v1: Any, metadata: dict[str, Any]) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.customers.create({"metadata": metadata})
        assert (refused.value.param or "").startswith("metadata")
        assert v1.customers.list().data == []

    def test_may_grow_to_no_more_than_50_keys_by_updates(self, v1: Any) -> None:
        customer = v1.customers.create({"metadata": {f"key{number}": "x" for number in range(50)}})
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.customers.update(customer.id, {"metadata": {"one_more": "x"}})
        assert refused.value.param == "metadata"
        assert len(v1.customers.retrieve(customer.id).metadata.to_dict()) == 50
        replaced = v1.customers.update(customer.id, {"metadata": {"key0": "", "one_more": "x"}})
        assert len(replaced.metadata.to_dict()) == 50

    def test_is_emptied_by_nothing(self, v1: Any) -> None:
        customer = v1.customers.create({"metadata": {"a": "1"}})
        assert v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


class TestAList:
    def test_comes_newest_first_ten_at_a_time(self, v1: Any) -> None:
        ids = [v1.customers.create().id for _ in range(12)]
        page = v1.customers.list()
        assert [customer.id for customer in page.data] == ids[::-1][:10]
        assert (page.has_more, page.url) == (True, "/v1/customers")
        assert [customer.id for customer in v1.customers.list({"limit": 5}).auto_paging_iter()] == ids[::-1]

    def test_goes_both_ways(self, v1: Any) -> None:
        first, second, third, fourth = (v1.customers.create().id for _ in range(4))
        older = v1.customers.list({"starting_after": third, "limit": 1})
        assert ([customer.id for customer in older.data], older.has_more) == ([second], True)
        newer = v1.customers.list({"ending_before": second, "limit": 2})
        assert ([customer.id for customer in newer.data], newer.has_more) == ([fourth, third], False)
        nearest = v1.customers.list({"ending_before": first, "limit": 1})
        assert ([customer.id for customer in nearest.data], nearest.has_more) == ([second], True)

    @pytest.mark.parametrize(
        ("parameters", "code", "param"),
        [
            ({"limit": 0}, "parameter_invalid_integer", "limit"),
            ({"limit": 101}, "parameter_invalid_integer", "limit"),
            ({"starting_after": "cus_unknown"}, "resource_missing", "starting_after"),
            ({"starting_after": "cus_a", "ending_before": "cus_b"}, None, "starting_after"),
            ({"created": "yesterday"}, "parameter_invalid_integer", "created"),
            ({"created": {"after": 5}}, "parameter_unknown", "created[after]"),
            ({"created": 10**17}, "parameter_invalid_integer", "created"),
        ],
    )
    def test_is_refused_for(self, v1: Any, parameters: dict[str, Any], code: str | None, param: str) -> None:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            v1.customers.list(parameters)
        assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)

    def test_filters_by_when_it_was_made(self, v1: Any) -> None:
        start = datetime(2026, 11, 24, 12, tzinfo=UTC)
        with time_machine.travel(start, tick=False) as traveller:
            early = v1.customers.create()
            traveller.shift(10.5)
            late = v1.customers.create()
        assert (early.created, late.created) == (int(start.timestamp()), int(start.timestamp()) + 10)

        def found(created: Any) -> list[str]:
            return [customer.id for customer in v1.customers.list({"created": created})]

        assert found({"gt": early.created}) == [late.id]
        assert found({"gt": late.created}) == []
        assert found({"gte": late.created}) == [late.id]
        assert found({"lt": late.created}) == [early.id]
        assert found({"lte": late.created}) == [late.id, early.id]
        assert found(late.created) == [late.id]

    def test_filters_by_parent(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        customer = v1.customers.create(None, at_seller)
        mine, other = pay(customer=customer.id), pay()
        assert [payment.id for payment in v1.payment_intents.list({"customer": customer.id}, at_seller)] == [mine.id]
        assert [charge.id for charge in v1.charges.list({"customer": customer.id}, at_seller)] == [mine.latest_charge]
        refund = v1.refunds.create({"charge": other.latest_charge}, at_seller)
        assert [found.id for found in v1.refunds.list({"charge": other.latest_charge}, at_seller)] == [refund.id]
        assert v1.refunds.list({"charge": mine.latest_charge}, at_seller).data == []


class TestExpanding:
    def test_replaces_ids_by_objects(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        customer = v1.customers.create(None, at_seller)
        payment = pay(customer=customer.id)
        refund = v1.refunds.create(
            {"payment_intent": payment.id, "expand": ["charge.customer", "payment_intent.payment_method"]}, at_seller
        )
        assert refund.charge.customer.id == customer.id
        assert refund.payment_intent.payment_method.card.last4 == "4242"

    def test_reaches_into_lists(self, v1: Any, at_seller: dict[str, str], pay: Make) -> None:
        payment = pay()
        listed = v1.payment_intents.list({"expand": ["data.latest_charge"]}, at_seller)
        assert listed.data[0].latest_charge.id == payment.latest_charge

    def test_leaves_nothing_as_nothing(self, new_payment: Make) -> None:
        assert new_payment(expand=["latest_charge", "customer"]).latest_charge is None

    @pytest.mark.parametrize("path", ["amount", "foo", "customer.foo", "latest_charge.a.b.c.d"])
    def test_what_cannot_be_expanded_is_refused(self, v1: Any, at_seller: dict[str, str], pay: Make, path: str) -> None:
        customer = v1.customers.create(None, at_seller)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            pay(customer=customer.id, expand=[path])
        assert refused.value.http_status == 400
        assert v1.payment_intents.list(None, at_seller).data == []
