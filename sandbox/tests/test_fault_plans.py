"""Faults that are planned for later requests and events."""

from typing import Any

import pytest
import stripe

from sandbox.api.errors import ParameterRefused
from sandbox.faults import plans
from sandbox.models import SandboxFault
from sandbox.tests.refusals import told


class TestAPlan:
    def test_hits_as_many_requests_as_it_says(self, v1: Any) -> None:
        plans.order("limit_rate", times=2)
        for _ in range(2):
            with pytest.raises(stripe.RateLimitError):
                v1.customers.create()
        assert v1.customers.create().id
        assert SandboxFault.objects.count() == 0

    def test_hits_what_fits_it_alone(self, v1: Any, at_seller: dict[str, str]) -> None:
        plans.order("limit_rate", account=at_seller["stripe_account"], method="POST", path="/customers")
        v1.customers.create()
        v1.customers.list(None, at_seller)
        v1.setup_intents.create(None, at_seller)
        with pytest.raises(stripe.RateLimitError):
            v1.customers.create(None, at_seller)
        assert v1.customers.create(None, at_seller).id

    def test_hits_in_the_order_in_which_they_were_made(self, v1: Any) -> None:
        for kind in ("limit_rate", "key_in_use"):
            plans.order(kind)
        met = []
        for _ in range(2):
            with pytest.raises(stripe.StripeError) as refused:
                v1.customers.create()
            met.append(told(refused).code)
        assert met == ["rate_limit", "idempotency_key_in_use"]

    def test_can_be_taken_back(self, v1: Any) -> None:
        plans.order("limit_rate")
        plans.order("drop_event", event_type="charge.succeeded")
        assert plans.cancel_all() == 2
        assert v1.customers.create().id

    def test_can_be_taken_back_alone(self, v1: Any) -> None:
        first, second = plans.order("limit_rate"), plans.order("key_in_use")
        assert plans.cancel(first.pk) == first
        assert [row.pk for row in plans.planned()] == [second.pk]
        assert plans.cancel(first.pk) is None
        assert [row.pk for row in plans.planned()] == [second.pk]

    def test_of_events_hits_no_request(self, v1: Any) -> None:
        plans.order("drop_event", event_type="customer.created")
        assert v1.customers.create().id
        assert [row.kind for row in plans.planned()] == ["drop_event"]

    def test_of_events_is_used_up_by_an_event_that_fits(self, db: None) -> None:
        plans.order("delay_event", account="acct_1", event_type="charge.succeeded", delay_s=90)
        assert plans.meet_event("delay_event", account="acct_2", event_type="charge.succeeded") is None
        assert plans.meet_event("delay_event", account="acct_1", event_type="charge.failed") is None
        assert plans.meet_event("drop_event", account="acct_1", event_type="charge.succeeded") is None
        met = plans.meet_event("delay_event", account="acct_1", event_type="charge.succeeded")
        assert met is not None
        assert met.delay_s == 90
        assert plans.meet_event("delay_event", account="acct_1", event_type="charge.succeeded") is None

    @pytest.mark.parametrize(
        ("wrong", "param"),
        [
            ({"kind": "explode"}, "kind"),
            ({"kind": "limit_rate", "method": "PATCH"}, "method"),
            ({"kind": "limit_rate", "path": "x" * 256}, "path"),
            ({"kind": "limit_rate", "event_type": "charge.succeeded"}, "event_type"),
            ({"kind": "drop_event", "path": "/refunds"}, "path"),
            ({"kind": "drop_event", "event_type": "foo.bar"}, "event_type"),
            ({"kind": "drop_event", "event_type": "*"}, "event_type"),
            ({"kind": "limit_rate", "times": 0}, "times"),
            ({"kind": "answer_slowly", "delay_s": 61}, "delay_s"),
            ({"kind": "answer_slowly", "delay_s": float("nan")}, "delay_s"),
            ({"kind": "answer_slowly"}, "delay_s"),
            ({"kind": "delay_event", "delay_s": 0}, "delay_s"),
        ],
    )
    def test_that_cannot_be_is_refused(self, db: None, wrong: dict[str, Any], param: str) -> None:
        with pytest.raises(ParameterRefused) as refused:
            plans.order(**wrong)
        assert refused.value.error["param"] == param
        assert SandboxFault.objects.count() == 0
