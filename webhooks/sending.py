"""Sending: what is due is claimed, posted one after the other over one connection, and recorded, by any number of workers."""

import logging
import threading

from requests_hardened.client import HTTPSession

from commercecore_payments.clock import database_now, elapsed_s, now
from gateway.operations import leave_the_database
from webhooks import deliveries, posting, signing
from webhooks.deliveries import Batch, Result
from webhooks.errors import SecretUnreadable
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.secrets import forget_previous_secret, signing_secrets
from webhooks.sharing import Sharing

logger = logging.getLogger(__name__)

# A receiver that takes longer keeps one worker only with what is being posted: the rest of the batch is given back. Standard
# Webhooks asks receivers to answer at once and to work afterwards.
SLOW_MS = 2_000

SEQUENCE_HEADER = "Webhook-Endpoint-Sequence"

# Of two threads of one process that choose at once, each would see the endpoint free. Between processes the database decides
# about each delivery, and what one endpoint may have at once may be passed by a batch for a moment.
_choosing = threading.Lock()
_sharing = Sharing()


def deliver_next() -> bool:
    """Posts what is due at one endpoint, up to a batch; whether there was anything."""
    with _choosing:
        batch = deliveries.claim(
            failing_too=_sharing.has_room_for_slow_ones(),
            leaving=_sharing.endpoints_to_leave(),
            busy_apps=_sharing.busy_apps(),
        )
        if batch is None:
            return False
        _sharing.begin(batch.endpoint)
    try:
        deliver(batch)
    finally:
        _sharing.end()
    return True


def deliver(batch: Batch) -> None:
    """Posts a batch that was claimed, and records each result. What is not posted is given back."""
    endpoint = batch.endpoint
    with posting.open_session() as session:
        for place, delivery in enumerate(batch.deliveries, start=1):
            result = attempt(delivery, endpoint, session)
            _sharing.note(endpoint, is_slow=result.duration_ms > SLOW_MS)
            endpoint = deliveries.record(delivery, result)
            _log(delivery, result)
            if not _goes_on(endpoint, result):
                deliveries.give_back(batch.deliveries[place:])
                return


def _goes_on(endpoint: WebhookEndpoint, result: Result) -> bool:
    return result.is_success and result.duration_ms <= SLOW_MS and endpoint.is_enabled


def attempt(delivery: Delivery, endpoint: WebhookEndpoint, session: HTTPSession) -> Result:
    """Posts one delivery and tells what came of it. Nothing that fails here is raised: one must not keep others from theirs."""
    started_at, started_s = now(), elapsed_s()
    try:
        headers = headers_of(delivery, endpoint)
        leave_the_database()
        answer = posting.post(endpoint.url, body=delivery.event.body, headers=headers, session=session)
    except posting.NotDelivered as error:
        return Result(started_at, _since(started_s), error=str(error), url=endpoint.url)
    except SecretUnreadable as error:
        logger.error("delivery %s: the secret of endpoint %s cannot be decrypted", delivery.pk, endpoint.pk)
        return Result(started_at, _since(started_s), error=error.message, is_endpoints_own=False)
    except Exception as error:  # an attempt that was begun has to end as one that failed, whatever failed
        logger.exception("delivery %s could not be posted", delivery.pk)
        return Result(started_at, _since(started_s), error=f"Our own error: {type(error).__name__}.", is_endpoints_own=False)
    return Result(
        started_at,
        _since(started_s),
        answer.http_status,
        answer=answer.text,
        retry_after_s=answer.retry_after_s,
        url=endpoint.url,
    )


def headers_of(delivery: Delivery, endpoint: WebhookEndpoint) -> dict[str, str]:
    """All headers of ours, signed now. Raises SecretUnreadable."""
    # The database's clock is asked while a rotation lasts: only then is there a secret whose time ends by it.
    expires_at = endpoint.previous_secret_expires_at
    moment = database_now() if expires_at is not None else now()
    if expires_at is not None and expires_at <= moment:
        forget_previous_secret(endpoint, moment)
    signed = signing.headers(
        message_id=delivery.event_id,
        timestamp=int(now().timestamp()),
        body=delivery.event.body,
        secrets=signing_secrets(endpoint, moment),
    )
    return {
        **signed,
        "Content-Type": "application/json",
        "User-Agent": posting.USER_AGENT,
        SEQUENCE_HEADER: str(delivery.sequence),
    }


def _since(started_s: float) -> int:
    return round((elapsed_s() - started_s) * 1000)


def _log(delivery: Delivery, result: Result) -> None:
    log = logger.info if result.is_success else logger.warning
    log("delivery %s attempt %s: %s", delivery.pk, delivery.attempts, result.http_status or result.error)
