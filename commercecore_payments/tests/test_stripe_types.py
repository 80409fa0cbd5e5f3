"""The judge of Stripe's types finds what is wrong."""

import copy
from typing import Any

import pytest
from django.conf import settings

from commercecore_payments.testing.stripe_types.description import Description, references, stored_description
from commercecore_payments.testing.stripe_types.error_codes import DOCUMENTED_CODES, codes_of_error_bodies
from commercecore_payments.testing.stripe_types.judge import Judge
from commercecore_payments.testing.stripe_types.objects import problems_of_object
from commercecore_payments.testing.stripe_types.requests import problems_of_request, read_form
from commercecore_payments.tests.tenants import Tenant, intent_at_stripe


@pytest.fixture(scope="module")
def description() -> Description:
    return stored_description(settings.STATE_DIR)


@pytest.fixture(scope="module")
def judge(description: Description) -> Judge:
    return Judge(description["schemas"])


@pytest.fixture
def intent(tenant: Tenant, seller: str) -> dict[str, Any]:
    """A payment as the sandbox answers it."""
    return intent_at_stripe(seller, tenant.pay(seller))


def event(kind: str, about: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_790_000_000,
        "data": {"object": about, **data},
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


class TestTheDescription:
    def test_is_of_the_pinned_version(self, description: Description) -> None:
        assert (description["sdk"], description["api"]) == ("16.1.0", "2026-10-28.endive")

    def test_holds_every_resource_and_operation_of_the_sdk(self, description: Description) -> None:
        operations = [verb for verbs in description["operations"].values() for verb in verbs]
        assert len(description["schemas"]) == 182
        assert len(operations) == 559
        assert len(description["schemas"]["event"]["properties"]["type"]["enum"]) == 275

    def test_refers_to_nothing_that_it_lacks(self, description: Description) -> None:
        assert references(description) - set(description["schemas"]) == set()


class TestAnObject:
    def test_as_the_sdk_has_it_has_no_problem(self, judge: Judge, intent: dict[str, Any]) -> None:
        assert problems_of_object(judge, intent) == []

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"amount": "1000"}, 'payment_intent.amount: "1000" is not integer'),
            ({"amount": True}, "payment_intent.amount: true is not integer"),
            ({"amount": None}, "payment_intent.amount: null where integer is required"),
            ({"created": 1_790_000_000_000}, "payment_intent.created: 1790000000000 is no moment in seconds since 1970"),
            ({"colour": "red"}, "payment_intent.colour: unknown field"),
            ({"metadata": {"a": 1}}, "payment_intent.metadata.a: 1 is not string"),
            ({"latest_charge": 7}, "payment_intent.latest_charge: 7 is not string"),
            ({"payment_method_types": ["card", 1]}, "payment_intent.payment_method_types[1]: 1 is not string"),
            ({"object": "payment"}, "answer: Stripe has no object 'payment'"),
        ],
    )
    def test_with_a_wrong_field_has_that_one_problem(
        self, judge: Judge, intent: dict[str, Any], change: dict[str, Any], problem: str
    ) -> None:
        assert problems_of_object(judge, intent | change) == [problem]

    def test_with_a_word_that_is_not_documented_is_told_so(self, judge: Judge, intent: dict[str, Any]) -> None:
        [problem] = problems_of_object(judge, intent | {"status": "paid"})
        assert problem.startswith('payment_intent.status: "paid" is not one of ["canceled", "processing", ')

    def test_without_a_required_field_is_told_so(self, judge: Judge, intent: dict[str, Any]) -> None:
        del intent["amount"]
        assert problems_of_object(judge, intent) == ["payment_intent.amount: required, missing"]

    def test_inside_of_another_is_judged_as_well(self, judge: Judge, intent: dict[str, Any]) -> None:
        inner = {"id": "cus_1", "object": "customer", "created": "now", "livemode": False}
        assert problems_of_object(judge, intent | {"customer": inner}) == [
            'payment_intent.customer.created: "now" is not integer'
        ]

    def test_inside_of_a_list_is_judged_as_well(self, judge: Judge, intent: dict[str, Any]) -> None:
        listed = {"object": "list", "data": [intent, intent | {"amount": "7"}], "has_more": False}
        assert problems_of_object(judge, listed) == [
            "list.url: required, missing",
            'list[1] payment_intent.amount: "7" is not integer',
        ]

    def test_that_is_deleted_has_no_more_than_stripe_leaves(self, judge: Judge) -> None:
        deleted = {"id": "cus_1", "object": "customer", "deleted": True}
        assert problems_of_object(judge, deleted) == []
        assert problems_of_object(judge, deleted | {"colour": "red"}) == ["deleted_customer.colour: unknown field"]


class TestAnEvent:
    def test_as_the_sdk_has_it_has_no_problem(self, judge: Judge, intent: dict[str, Any]) -> None:
        assert problems_of_object(judge, event("payment_intent.succeeded", intent)) == []

    def test_with_a_name_that_stripe_does_not_have_is_told_so(self, judge: Judge, intent: dict[str, Any]) -> None:
        [problem] = problems_of_object(judge, event("payment_intent.paid", intent))
        assert problem.startswith('event.type: "payment_intent.paid" is not one of ')

    def test_is_judged_with_its_object(self, judge: Judge, intent: dict[str, Any]) -> None:
        told = event("payment_intent.succeeded", intent | {"amount": "7"})
        assert problems_of_object(judge, told) == ['event.data.object payment_intent.amount: "7" is not integer']

    def test_has_previous_attributes_of_its_object_where_it_is_an_update(self, judge: Judge, intent: dict[str, Any]) -> None:
        charge = event("charge.updated", intent, previous_attributes={"metadata": {}, "colour": "red"})
        assert problems_of_object(judge, charge) == ["event.data.previous_attributes.colour: unknown field"]
        other = event("payment_intent.succeeded", intent, previous_attributes={"metadata": {}})
        assert problems_of_object(judge, other) == ["event.data.previous_attributes: an event that is no update carries them"]


class TestARequest:
    @pytest.mark.parametrize(
        ("method", "path", "form", "problem"),
        [
            ("post", "/v1/payment_intents", "amount=10&currency=usd&colour=red", ".colour: unknown field"),
            ("post", "/v1/payment_intents", "amount=ten&currency=usd", '.amount: "ten" is not integer'),
            ("post", "/v1/payment_intents", "amount=10", ".currency: required, missing"),
            ("post", "/v1/payment_intents", "amount=10&currency=usd&payment_method_types[0]=card", "unknown field"),
            ("post", "/v1/refunds", "payment_intent=pi_1&reason=mood", '.reason: "mood" is not one of '),
            ("get", "/v1/charges", "limit=many", '.limit: "many" is not integer'),
            ("get", "/v1/everything", "", "GET /v1/everything: Stripe has no such operation"),
            ("delete", "/v1/payment_intents/pi_1", "", "Stripe has no such operation"),
        ],
    )
    def test_that_stripe_would_refuse_has_that_one_problem(
        self, judge: Judge, description: Description, method: str, path: str, form: str, problem: str
    ) -> None:
        [found] = problems_of_request(judge, description["operations"], method, path, read_form(form))
        assert problem in found

    @pytest.mark.parametrize(
        ("method", "path", "form"),
        [
            ("post", "/v1/payment_intents", "amount=10&currency=usd&confirm=true&expand[0]=latest_charge&metadata[order]=7"),
            ("post", "/v1/payment_intents/pi_1", "metadata="),
            ("get", "/v1/charges", "limit=3&created[gte]=1790000000"),
            ("delete", "/v1/accounts/acct_1", ""),
            ("post", "/oauth/deauthorize", "client_id=ca_1&stripe_user_id=acct_1"),
        ],
    )
    def test_that_stripe_takes_has_no_problem(
        self, judge: Judge, description: Description, method: str, path: str, form: str
    ) -> None:
        assert problems_of_request(judge, description["operations"], method, path, read_form(form)) == []


class TestTheCodesOfErrors:
    def test_are_those_of_the_sdk_and_of_the_changelog(self, judge: Judge) -> None:
        body = {"error": {"type": "invalid_request_error", "code": DOCUMENTED_CODES[0].code, "message": "No."}}
        assert problems_of_object(judge, body) == []
        body["error"]["code"] = "card_is_sad"
        [problem] = problems_of_object(judge, body)
        assert problem.startswith('error.error.code: "card_is_sad" is not one of ')

    def test_of_the_changelog_exempt_nothing_but_the_body_of_an_error(self, judge: Judge, intent: dict[str, Any]) -> None:
        kept = copy.deepcopy(intent)
        kept["last_payment_error"] = {"type": "invalid_request_error", "code": DOCUMENTED_CODES[0].code}
        [problem] = problems_of_object(judge, kept)
        assert problem.startswith("payment_intent.last_payment_error.code: ")

    def test_of_the_changelog_each_have_a_page_and_are_not_in_the_sdk(self, description: Description) -> None:
        kept = description["schemas"]["payment_intent"]["properties"]["last_payment_error"]["properties"]["code"]["enum"]
        for one in DOCUMENTED_CODES:
            date, name = one.since.split(".")
            assert one.source.startswith(f"https://docs.stripe.com/changelog/{name}/{date}/")
            assert one.code not in kept  # where a later SDK enumerates it, its line here goes

    def test_of_the_changelog_hold_from_their_version_on(self) -> None:
        assert codes_of_error_bodies(["a"], "2026-08-26.dahlia") == ["a"]
        assert codes_of_error_bodies(["a"], "2026-09-30.endive") == ["a", DOCUMENTED_CODES[0].code]
