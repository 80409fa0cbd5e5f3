"""Trying out an endpoint: whether it takes what is sound, refuses what is not, and bears what a network does to messages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from threading import BoundedSemaphore

from commercecore_payments.actors import Actor
from commercecore_payments.clock import database_now, elapsed_s, now
from gateway.operations import leave_the_database
from rate_limits.errors import RateLimited
from webhooks.endpoints import find_endpoint
from webhooks.models import new_event_id
from webhooks.outbox import body_text
from webhooks.posting import NoAnswerInTime, NotDelivered, post
from webhooks.schedule import is_success
from webhooks.secrets import new_secret, signing_secrets
from webhooks.signing import headers

# No EventType: it tells of nothing, and is never kept.
TEST_EVENT = "webhook.test"
# Seconds for each message. A receiver ought to answer first and work afterwards.
TIMEOUT_S = 5.0
NO_ANSWER = "No answer came to all of it: the errors say why. What this check is about is not known yet."
# Seconds after which no message is begun: a trial keeps a thread that others wait for no longer than 20 s.
LAST_BEGINS_S = 15.0
# Trials that a process carries out at once. A slow receiver keeps the thread of each, of 16 (gunicorn.conf.py): by 40 of them one
# developer kept everybody's payments waiting. Two leave nearly all threads to those.
AT_ONCE = 2
_places = BoundedSemaphore(AT_ONCE)
# Twice the five minutes that the libraries of Standard Webhooks tolerate.
STALE_BY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is posted."""

    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """What is sent, and what has to come back: a 2xx to each message, or to none. `advice` is for whom it did not."""

    name: str
    sent: str
    expected: str
    advice: str
    messages: Sequence[Message] = field(repr=False)
    is_to_be_taken: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What came back: for each message the HTTP status, or None and an error, which also says where it was not sent."""

    check: Check
    http_statuses: list[int | None]
    errors: list[str]

    @property
    def passed(self) -> bool:
        """No answer is no refusal: it does not pass where a refusal is expected either."""
        return all(status is not None and is_success(status) == self.check.is_to_be_taken for status in self.http_statuses)

    @property
    def advice(self) -> str:
        """What to change; empty where it passed. Where no answer came, nothing is known of what the check is about."""
        if self.passed:
            return ""
        return NO_ANSWER if None in self.http_statuses else self.check.advice


def try_endpoint(*, endpoint_id: str, actor: Actor) -> list[Finding]:
    """Posts five checks to an endpoint, one after the other; no database connection is held meanwhile, and nothing is kept.

    It ends at the first message that gets no answer in time, and after LAST_BEGINS_S: the rest is not sent. A disabled endpoint
    may be tried as well, before it is enabled. Raises EndpointNotFound, SecretUnreadable, and RateLimited where AT_ONCE are under
    way.
    """
    endpoint = find_endpoint(endpoint_id=endpoint_id, actor=actor)
    checks = plan_checks(signing_secrets(endpoint, database_now()), moment=now())
    leave_the_database()
    if not _places.acquire(blocking=False):
        raise RateLimited(retry_after_s=int(TIMEOUT_S))
    try:
        return _carry_out(checks, endpoint.url)
    finally:
        _places.release()


def plan_checks(secrets: Sequence[str], *, moment: datetime) -> list[Check]:
    """The five checks, in their order, signed with `secrets` at `moment`."""
    return [
        Check(
            name="good",
            sent="An event with a valid signature.",
            expected="A 2xx.",
            advice="Verify the signature over the raw body with this endpoint's secret, and answer any type of event with a 2xx.",
            messages=[_message("good", 1, secrets=secrets, moment=moment)],
            is_to_be_taken=True,
        ),
        Check(
            name="badly_signed",
            sent="An event that another secret signed.",
            expected="An answer that is not a 2xx, such as 401.",
            advice="Refuse what has no signature of this endpoint's secret: anybody can post to your address.",
            messages=[_message("badly_signed", 2, secrets=[new_secret()], moment=moment)],
            is_to_be_taken=False,
        ),
        Check(
            name="stale",
            sent="An event with a valid signature whose webhook-timestamp is ten minutes old.",
            expected="An answer that is not a 2xx, such as 401.",
            advice="Refuse a webhook-timestamp more than five minutes from now: whoever recorded a message can send it again.",
            messages=[_message("stale", 3, secrets=secrets, moment=moment - STALE_BY)],
            is_to_be_taken=False,
        ),
        Check(
            name="doubled",
            sent="The same event twice, with one webhook-id.",
            expected="A 2xx to both.",
            advice="Answer a webhook-id that was taken before with a 2xx, and do nothing more for it.",
            messages=[_message("doubled", 4, secrets=secrets, moment=moment)] * 2,
            is_to_be_taken=True,
        ),
        Check(
            name="reordered",
            sent="Two events, the one with the higher data.sequence first.",
            expected="A 2xx to both.",
            advice="Take events in any order: compare data.sequence, and let an older event change nothing that is newer.",
            messages=[_message("reordered", sequence, secrets=secrets, moment=moment) for sequence in (6, 5)],
            is_to_be_taken=True,
        ),
    ]


def _message(check: str, sequence: int, *, secrets: Sequence[str], moment: datetime) -> Message:
    body = body_text(TEST_EVENT, timestamp=moment, data={"sequence": sequence, "check": check})
    signed = headers(secrets, message_id=new_event_id(), timestamp=int(moment.timestamp()), body=body)
    return Message(body=body, headers=signed)


def _carry_out(checks: Sequence[Check], url: str) -> list[Finding]:
    """Posts every message of each check, the later ones too where one is answered wrongly."""
    answers = _answers([message for check in checks for message in check.messages], url)
    return [_finding(check, list(islice(answers, len(check.messages)))) for check in checks]


def _finding(check: Check, answers: Sequence[tuple[int | None, str]]) -> Finding:
    return Finding(check=check, http_statuses=[status for status, _ in answers], errors=[error for _, error in answers if error])


def _answers(messages: Iterable[Message], url: str) -> Iterator[tuple[int | None, str]]:
    """For each message the answer's HTTP status, or None and why there is none. After one that took too long none is sent."""
    last_begins_s = elapsed_s() + LAST_BEGINS_S
    not_sent = ""
    for message in messages:
        if not not_sent and elapsed_s() > last_begins_s:
            not_sent = "Not sent: the messages before it took too long."
        if not_sent:
            yield None, not_sent
            continue
        try:
            yield post(url, body=message.body, headers=message.headers, timeout_s=TIMEOUT_S).http_status, ""
        except NoAnswerInTime as error:
            not_sent = "Not sent: a message before it got no answer in time."
            yield None, str(error)
        except NotDelivered as error:
            yield None, str(error)
