"""Whether the app knows: what was told to its endpoints, and has not arrived."""

from dataclasses import replace

from explanations.sources import Sources
from explanations.structure import Verdict, WaitsFor
from explanations.words import address, at
from webhooks.events import newest_attempts
from webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint

# Whoever switched it off knows that nothing is sent to it.
OFF_BY_INTENT = (WebhookEndpoint.DisabledReason.BY_DEVELOPER, WebhookEndpoint.DisabledReason.BY_OPERATOR)


def first_untold(sources: Sources) -> Delivery | None:
    """A delivery that did not arrive, where it is the newest about its record at its endpoint: else a later one told more."""
    newest: dict[tuple[str, str, int], Delivery] = {}
    of_event = {event.pk: event for event in sources.events}
    for delivery in sources.deliveries:
        event = of_event[delivery.event_id]
        newest[delivery.endpoint_id, event.subject_type, event.subject_id] = delivery
    return next(filter(_did_not_arrive, newest.values()), None)


def _did_not_arrive(delivery: Delivery) -> bool:
    if delivery.endpoint.deleted_at is not None or delivery.endpoint.disabled_reason in OFF_BY_INTENT:
        return False
    has_failed = delivery.status == Delivery.Status.PENDING and delivery.attempts > 0 and delivery.leased_until is None
    return has_failed or delivery.status in (Delivery.Status.FAILED, Delivery.Status.STOPPED)


def in_words(delivery: Delivery) -> str:
    """What arrived nowhere, why, and whether it is tried again."""
    attempts = newest_attempts(delivery)
    why = _why(attempts[-1]) if attempts else ""
    receiver = address(delivery.endpoint.url)
    again = f" It is tried again on {at(delivery.next_attempt_at)}." if delivery.status == Delivery.Status.PENDING else ""
    return f"{receiver} has not got {delivery.event.type}{why}.{again}"


def _why(last: DeliveryAttempt) -> str:
    return f": it answered {last.http_status}" if last.http_status is not None else ": it did not answer"


def with_the_app_untold(found: Verdict, delivery: Delivery) -> Verdict:
    """The verdict on the money, which is well, with what is not."""
    tried_again = delivery.status == Delivery.Status.PENDING
    mend = "The endpoint has to be mended by the app's developer" + (
        ": it is tried again by itself." if tried_again else ", who then has it sent again."
    )
    somebody_has_to_act = found.waits_for is WaitsFor.US
    return replace(
        found,
        code="app_not_told",
        headline=f"{found.headline}. But the app has not been told",
        explanation=f"{in_words(delivery)} {found.explanation}",
        next_step=f"{found.next_step} {mend}" if somebody_has_to_act else mend,
        waits_for=WaitsFor.US,
        is_problem=True,
    )
