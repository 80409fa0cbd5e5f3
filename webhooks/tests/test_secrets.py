"""The signing secrets of endpoints: encrypted at rest, and two at once while one is rotated."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from commercecore_payments import clock
from commercecore_payments.clock import database_now
from commercecore_payments.tests.tenants import Tenant
from webhooks.errors import SecretUnreadable
from webhooks.models import WebhookEndpoint
from webhooks.secrets import new_secret, set_secret, signing_secrets
from webhooks.tests.consumers import create_endpoint, told

DAY = timedelta(hours=24)


def key(name: str) -> str:
    return f"{name}:{Fernet.generate_key().decode()}"


def stored() -> WebhookEndpoint:
    found: WebhookEndpoint = WebhookEndpoint.objects.get()
    return found


def rotated(tenant: Tenant, endpoint: dict[str, Any]) -> str:
    response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret", {})
    assert response.status_code == 200
    return str(response.json()["data"]["secret"])


class TestASecret:
    def test_is_another_one_each_time(self) -> None:
        assert len({new_secret() for _ in range(100)}) == 100

    def test_signs_and_cannot_be_read_in_the_database(self, tenant: Tenant) -> None:
        secret = create_endpoint(tenant)["secret"]
        row = stored()
        assert signing_secrets(row, database_now()) == [secret]
        assert secret.removeprefix("whsec_") not in row.secret
        assert (row.previous_secret, row.previous_secret_expires_at) == ("", None)

    def test_outlives_a_new_encryption_key_beside_the_old_one(self, tenant: Tenant, settings: Any) -> None:
        old, new = key("old"), key("new")
        settings.WEBHOOK_SECRET_KEYS = old
        secret = create_endpoint(tenant)["secret"]
        settings.WEBHOOK_SECRET_KEYS = f"{new},{old}"
        assert (signing_secrets(stored(), database_now()), stored().secret_key_id) == ([secret], "old")
        endpoint = stored()
        set_secret(endpoint, "whsec_next")
        assert endpoint.secret_key_id == "new"

    @pytest.mark.parametrize("lost", ["other", "old"], ids=["gone", "another one under its id"])
    def test_whose_encryption_key_is_lost_signs_nothing(self, tenant: Tenant, settings: Any, lost: str) -> None:
        settings.WEBHOOK_SECRET_KEYS = key("old")
        create_endpoint(tenant)
        settings.WEBHOOK_SECRET_KEYS = key(lost)
        with pytest.raises(SecretUnreadable):
            signing_secrets(stored(), database_now())


class TestARotation:
    def test_lets_the_secret_before_sign_for_a_day(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        before = database_now()
        new = rotated(tenant, endpoint)
        after = database_now()
        row, old = stored(), endpoint["secret"]
        assert new != old
        assert row.previous_secret_expires_at is not None
        assert before + DAY <= row.previous_secret_expires_at <= after + DAY
        assert signing_secrets(row, before + DAY - timedelta(seconds=1)) == [new, old]
        assert signing_secrets(row, after + DAY) == [new]

    def test_answers_the_endpoint_and_its_new_secret(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret", {})
        message = "Webhook secret rotated successfully"
        shown = response.json()["data"]
        assert signing_secrets(stored(), database_now())[0] == shown["secret"]
        assert shown == {**endpoint, "message": message, "secret": shown["secret"]}
        assert response.json()["meta"] == {"message": message, "status_code": 200}

    def test_within_a_day_of_another_keeps_the_secret_that_is_in_use(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        second = rotated(tenant, endpoint)
        until = stored().previous_secret_expires_at
        third = rotated(tenant, endpoint)
        assert signing_secrets(stored(), database_now()) == [third, endpoint["secret"]]
        assert stored().previous_secret_expires_at == until
        assert second not in signing_secrets(stored(), database_now())

    def test_a_day_after_another_keeps_the_secret_of_that_one(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        second = rotated(tenant, endpoint)
        with clock.moved_ahead(DAY):
            third = rotated(tenant, endpoint)
            assert signing_secrets(stored(), database_now()) == [third, second]

    def test_whose_first_secret_is_lost_keeps_the_present_one(self, tenant: Tenant, settings: Any) -> None:
        settings.WEBHOOK_SECRET_KEYS = old = key("old")
        endpoint = create_endpoint(tenant)
        new = key("new")
        settings.WEBHOOK_SECRET_KEYS = f"{new},{old}"
        second = rotated(tenant, endpoint)
        settings.WEBHOOK_SECRET_KEYS = new
        assert signing_secrets(stored(), database_now()) == [second]
        third = rotated(tenant, endpoint)
        assert signing_secrets(stored(), database_now()) == [third, second]

    def test_under_a_key_happens_once(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        address = f"/webhook-endpoints/{endpoint['id']}/rotate-secret"
        first, second = (tenant.post(address, {}, **{"Idempotency-Key": "rotate-1"}) for _ in range(2))
        assert (first.status_code, second.content) == (200, first.content)
        assert signing_secrets(stored(), database_now()) == [first.json()["data"]["secret"], endpoint["secret"]]

    def test_mends_an_endpoint_whose_encryption_key_is_lost(self, tenant: Tenant, settings: Any) -> None:
        settings.WEBHOOK_SECRET_KEYS = key("old")
        endpoint = create_endpoint(tenant)
        settings.WEBHOOK_SECRET_KEYS = key("new")
        new = rotated(tenant, endpoint)
        assert signing_secrets(stored(), database_now()) == [new]

    def test_takes_nothing_from_the_body(self, tenant: Tenant) -> None:
        endpoint = create_endpoint(tenant)
        response = tenant.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret", {"secret": "whsec_mine"})
        assert told(response) == (400, "invalid_body")
        assert signing_secrets(stored(), database_now()) == [endpoint["secret"]]
