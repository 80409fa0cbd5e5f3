"""The examples of the API's description are real answers, and such as the API answers now."""

import pytest

from commercecore_payments.openapi import examples
from commercecore_payments.openapi.described import all_operations
from commercecore_payments.openapi.webhook_shapes import TOLD
from commercecore_payments.tests.api_walk import Walk, live_a_life
from commercecore_payments.tests.recorded_examples import kept, shape, write
from commercecore_payments.tests.tenants import Tenant


class TestTheRecordedExamples:
    def test_are_what_a_walk_through_the_sandbox_answers_now(self, tenant: Tenant, request: pytest.FixtureRequest) -> None:
        walk = Walk(tenant)
        live_a_life(walk)
        assert walk.problems == []
        if request.config.getoption("--record-examples"):
            write(walk)
            examples.recorded.cache_clear()
        assert shape(kept(walk)) == shape(examples.recorded())

    def test_show_every_operation_and_every_webhook(self) -> None:
        recorded = examples.recorded()
        succeeded = {name for name, answers in recorded["operations"].items() if any(one["status"] < 300 for one in answers)}
        assert succeeded == set(all_operations())
        assert set(recorded["webhooks"]) == set(map(str, TOLD))
