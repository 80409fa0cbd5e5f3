"""A consumer for tests: its endpoint, what happens to it, and strangers who may see none of it."""

from typing import Any

from django.db import transaction

from commercecore_payments.tests.tenants import Tenant
from developers.tests.factories import AppFactory, make_token
from webhooks.models import Event, EventType, WebhookEndpoint
from webhooks.outbox import write_event

URL = "https://shop.example/hooks"


def create_endpoint(tenant: Tenant, **body: Any) -> dict[str, Any]:
    """The answer's data, with the secret."""
    response = tenant.post("/webhook-endpoints", {"url": URL, "events": ["*"], **body})
    assert response.status_code == 201, response.content
    data: dict[str, Any] = response.json()["data"]
    return data


def write(tenant: Tenant, *types: str, **data: Any) -> list[Event]:
    """Events about the tenant's developer, which stands for any record."""
    before = Event.objects.filter(app=tenant.app).count()
    for one in types:
        with transaction.atomic():
            subject = WebhookEndpoint(id="we_subject")
            subject.pk = 7
            write_event(EventType(one), subject=subject, data={"status": "as it is now", **data}, apps=[tenant.app])
    return list(Event.objects.filter(app=tenant.app).order_by("sequence")[before:])


def other_app(tenant: Tenant, **changes: Any) -> Tenant:
    """The same developer with another app."""
    return Tenant(tenant.developer, AppFactory.create(developer=tenant.developer, **changes), tenant.token)


def colleague(tenant: Tenant) -> Tenant:
    """Another token of the same developer, for the same app."""
    return Tenant(tenant.developer, tenant.app, make_token(tenant.developer)[1], user_id="")


def told(response: Any) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return response.status_code, response.json()["details"]["code"]
