"""Deliveries to measure: planned once, made due for each round, and delivered as a worker's threads do it."""

import time

from django.db import connections, transaction

from accounts.models import ConnectedAccount
from commercecore_payments.clock import database_now
from developers.models import App, Developer
from webhooks.models import Delivery, DeliveryAttempt, Event, EventType, WebhookEndpoint
from webhooks.outbox import write_event
from webhooks.secrets import new_secret, set_secret
from webhooks.sending import deliver_next

# Seconds between two looks while the last deliveries are other threads': a worker's own pause would count at the end of a round.
PAUSE_S = 0.005


def plan(address: str, *, endpoints: int, number: int) -> list[str]:
    """Writes events of one app so that `number` deliveries go to its endpoints; the body of each delivery."""
    app = App.objects.create(developer=Developer.objects.create(name="Benchmark"), name="Benchmark")
    for each in range(endpoints):
        endpoint = WebhookEndpoint(app=app, url=f"{address}/{each}", event_types=["*"])
        set_secret(endpoint, new_secret())
        endpoint.save(force_insert=True)
    with transaction.atomic():
        for each in range(number // endpoints):
            data = {"object": "account", "id": f"acct_{each}", "charges_enabled": True, "payouts_enabled": True}
            write_event(EventType.ACCOUNT_UPDATED, subject=ConnectedAccount(pk=1), data=data, apps=[app])
    return list(Delivery.objects.values_list("event__body", flat=True))


def make_due() -> None:
    """Every delivery, as if it had just been planned."""
    DeliveryAttempt.objects.all().delete()
    Delivery.objects.update(status=Delivery.Status.PENDING, attempts=0, scheduled_attempts=0, next_attempt_at=database_now())


def forget() -> None:
    Event.objects.all().delete()
    WebhookEndpoint.objects.all().delete()


def deliver() -> None:
    """What one thread of a worker does, until nothing is left. Raises RuntimeError where something did not arrive."""
    try:
        while True:
            if not deliver_next():
                if not Delivery.objects.waiting().exists():
                    break
                time.sleep(PAUSE_S)
            connections.close_all()  # as a worker does
        if DeliveryAttempt.objects.exclude(http_status=200).exists():
            raise RuntimeError("A delivery failed: this is not what should be measured.")
    finally:
        connections.close_all()
