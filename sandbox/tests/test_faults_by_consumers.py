"""Faults that a consumer of our own API orders by header, to test its own code."""

from commercecore_payments.tests.tenants import Tenant
from gateway.models import Operation
from gateway.tests.faults import assert_outcome_unknown
from sandbox.models import SandboxObject


class TestAFaultOrderedByAConsumerOfOurApi:
    BODY = {"order_id": "1", "amount": 1000}

    def test_that_loses_an_answer_converges_with_one_payment(self, tenant: Tenant, seller: str) -> None:
        body = {**self.BODY, "account_id": seller}
        response = tenant.post("/transactions", body, **{"Sandbox-Fault": "time_out_after"})
        assert_outcome_unknown(response, Operation.objects.get(kind="payment_intent.create"))
        assert response["Sandbox-Faults-Met"] == "1"
        again = tenant.post("/transactions", body)
        assert again.status_code == 201
        assert "Sandbox-Faults-Met" not in again
        made = SandboxObject.objects.filter(object_type="payment_intent")
        assert [row.stripe_id for row in made] == [again.json()["data"]["transaction_id"]]

    def test_that_refuses_the_connection_is_told_as_such(self, tenant: Tenant, seller: str) -> None:
        body = {**self.BODY, "account_id": seller}
        response = tenant.post("/transactions", body, **{"Sandbox-Fault": "refuse_connection"})
        assert response.status_code == 503
        assert response.json()["details"]["code"] != "outcome_unknown"
        assert not SandboxObject.objects.filter(object_type="payment_intent").exists()
        assert tenant.post("/transactions", body).status_code == 201

    def test_meets_the_step_that_it_names(self, tenant: Tenant, seller: str) -> None:
        payment = tenant.create_payment(seller)
        body = {"account_id": seller, "transaction_id": payment, "payment_method_id": "pm_card_visa"}
        response = tenant.post("/transactions/confirm", body, **{"Sandbox-Fault": "drop_answer; path=/confirm"})
        assert (response.status_code, response["Sandbox-Faults-Met"]) == (503, "1")
        assert tenant.post("/transactions/confirm", body).json()["data"]["status"] == "succeeded"
        assert SandboxObject.objects.filter(object_type="charge").count() == 1

    def test_meets_a_read_only_where_it_is_named(self, tenant: Tenant, seller: str) -> None:
        client = tenant.client
        path = f"/api/v1/connected-accounts/{seller}"
        spared = client.get(path, headers={**tenant.headers, "Sandbox-Fault": "limit_rate"})
        assert (spared.status_code, spared["Sandbox-Faults-Met"]) == (200, "0")
        met = client.get(path, headers={**tenant.headers, "Sandbox-Fault": "limit_rate; method=GET"})
        assert (met.status_code, met["Sandbox-Faults-Met"]) == (503, "1")

    def test_that_is_malformed_is_refused_by_name(self, tenant: Tenant, seller: str) -> None:
        response = tenant.post("/transactions", {**self.BODY, "account_id": seller}, **{"Sandbox-Fault": "explode"})
        assert response.status_code == 400
        assert response.json()["details"]["code"] == "invalid_sandbox_fault"
        assert "Sandbox-Fault" in response.json()["detail"]
        assert not SandboxObject.objects.filter(object_type="payment_intent").exists()

    def test_is_over_with_its_request(self, tenant: Tenant, seller: str) -> None:
        body = {**self.BODY, "account_id": seller}
        tenant.post("/transactions", {"order_id": "1"}, **{"Sandbox-Fault": "time_out_after; times=9"})
        assert tenant.post("/transactions", body).status_code == 201
