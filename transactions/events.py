"""What an app is told of its payments: which change is which event, and what the event holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from transactions.models import Status, Transaction
from transactions.serializers import payment_facts
from webhooks.models import EventType
from webhooks.outbox import write_event

# What a payment became, and how it is told.
EVENT_OF_STATUS: Mapping[str, EventType] = {
    Status.SUCCEEDED: EventType.PAYMENT_SUCCEEDED,
    Status.REQUIRES_ACTION: EventType.PAYMENT_REQUIRES_ACTION,
    Status.REQUIRES_CAPTURE: EventType.PAYMENT_CAPTURABLE,
    Status.CANCELED: EventType.PAYMENT_CANCELED,
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of a payment makes an event when it changes."""

    status: str
    charge_id: str
    payment_method_id: str
    error: tuple[str, str]

    @classmethod
    def of(cls, payment: Transaction) -> Self:
        error = (payment.error_code, payment.error_message)
        return cls(payment.status, payment.stripe_charge_id, payment.stripe_payment_method_id, error)

    def event_since(self, before: Self) -> EventType | None:
        """What to tell of the change; None where it is nothing to tell."""
        if self._is_a_failed_attempt:
            is_another = (self.status, self.charge_id, self.error) != (before.status, before.charge_id, before.error)
            return EventType.PAYMENT_FAILED if is_another else None
        is_new = self.status != before.status or self._is_another_challenge_than(before)
        return EVENT_OF_STATUS.get(self.status) if is_new else None

    @property
    def _is_a_failed_attempt(self) -> bool:
        return self.status == Status.REQUIRES_PAYMENT_METHOD and any(self.error)

    def _is_another_challenge_than(self, before: Self) -> bool:
        """The buyer is asked again, with another card."""
        return self.status == Status.REQUIRES_ACTION and self.payment_method_id != before.payment_method_id


@contextmanager
def changes_told(payment: Transaction) -> Iterator[None]:
    """While open, the locked payment may be changed; at its end its app is told what has changed, in the same transaction.

    Open it as the last thing of the transaction: see `webhooks.outbox.write_event`.
    """
    before = _Seen.of(payment)
    yield
    event_type = _Seen.of(payment).event_since(before)
    if event_type is not None:
        tell(event_type, payment)


def tell(event_type: EventType, payment: Transaction, **more: Any) -> None:
    """Writes the event, with `more` beside the payment as it is now."""
    data = {**payment_facts(payment), **more}
    write_event(event_type, subject=payment, data=data, apps=apps_told_of(payment))


def apps_told_of(payment: Transaction) -> list[Any]:
    """The payment's app; of one that was made past this service, every app of the developer."""
    return [payment.app] if payment.app is not None else list(payment.developer.apps.all())
