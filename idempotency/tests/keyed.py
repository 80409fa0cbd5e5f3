"""What the tests of Idempotency-Keys share: the header, and the parts of an answer that a replay repeats."""

from datetime import timedelta
from typing import Any

from commercecore_payments.actors import Actor, HeldKey
from commercecore_payments.clock import now
from commercecore_payments.tests.tenants import Tenant
from idempotency.models import IdempotencyKey

KEY = "order-2227222/refund#1"


def under(key: str = KEY) -> dict[str, str]:
    return {"Idempotency-Key": key}


def is_replay(response: Any) -> bool:
    return bool(response.headers.get("Idempotent-Replayed") == "true")


def assert_refused(response: Any, status: int, code: str) -> None:
    assert (response.status_code, response.json()["details"]["code"]) == (status, code)
    assert not is_replay(response)


def actor_with_key(tenant: Tenant, key: str = KEY) -> Actor:
    """An actor who holds a key of the tenant's app, at its second attempt: before a first one there is nothing to find."""
    row = IdempotencyKey.objects.create(
        developer=tenant.developer,
        app_id=tenant.app.pk,
        key=key,
        fingerprint="0" * 64,
        attempt=2,
        held_until=now() + timedelta(hours=1),
    )
    held = HeldKey(row_id=row.pk, attempt=row.attempt)
    return Actor(developer=tenant.developer, app=tenant.app, user_id="usr_ada", request_id="req_test", idempotency_key=held)
