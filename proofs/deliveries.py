"""Events out: every one arrives at every consumer, whatever is killed meanwhile.

Real workers, as many processes with all their threads, deliver to real consumers while events are written, some of them in
transactions that are rolled back. Workers are killed with SIGKILL at random moments and replaced. What a killed one held is
free after its lease: each round's workers have a clock that is a lease further ahead, and begin when all others have ended.

`python -m proofs.deliveries SECONDS` is one of these workers, whose clock is so far ahead.
"""

import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from django.core.management import call_command
from django.db import connections, transaction

from commercecore_payments import clock
from proofs.consumers import Arrival, Consumers, consuming
from proofs.database import join
from proofs.processes import running
from proofs.report import Options, Part, timed

if __name__ == "__main__":
    join()

from accounts.models import ConnectedAccount
from developers.models import App, Developer
from webhooks.deliveries import LEASE
from webhooks.models import Delivery, DeliveryAttempt, Event, EventCounter, EventType, WebhookEndpoint
from webhooks.outbox import write_event
from webhooks.secrets import new_secret, set_secret

APPS = 4
ENDPOINTS_OF_EACH = 4
WORKERS = 2
# Seconds between two kills, at random: a process needs about one to start, and then has something in its hands.
SHORTEST_LIFE_S, LONGEST_LIFE_S = 1.0, 3.0
# Two for each app, which wait for each other's counter; and the share of the lives by whose end all is written.
WRITERS_OF_EACH = 2
WRITTEN_BY = 0.8
# The share of transactions that are rolled back after they have written their event.
ROLLED_BACK = 0.1
# Seconds for everything that is left after the last kill: of 10,000 deliveries a few hundred, each tried twice at the most.
PATIENCE_S = 240.0
# Seconds between two looks whether all is delivered.
LOOK_S = 0.2
# A round's clock is ahead by this much more than that of the one before: its leases are over by then.
AHEAD = LEASE + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played. A consumer takes signatures up to five minutes off, and so there are four rounds at the most."""

    deliveries: int
    rounds: int
    kills_of_each: int

    @property
    def events_of_each_app(self) -> int:
        return self.deliveries // (APPS * ENDPOINTS_OF_EACH)


QUICK, NORMAL, LONG = Size(304, 1, 4), Size(2_000, 2, 8), Size(10_000, 3, 15)


class RolledBack(Exception):
    """The transaction that wrote an event fails after that."""


def prove(options: Options) -> Part:
    """Plays it once, on the PostgreSQL that Django is set up on."""
    part = Part("deliveries")
    size = LONG if options.is_long else QUICK if options.is_quick else NORMAL
    dice = random.Random(options.first_seed)  # noqa: S311 - repeatable, guards nothing
    with timed(part), consuming(options.first_seed) as consumers:
        endpoints = _endpoints(consumers)
        held = _play(size, dice, endpoints, options)
        part.violations = consumers.violations + findings(consumers.arrivals)
        if (written := Event.objects.count()) != APPS * size.events_of_each_app:
            part.violations.append(f"{written} events were written, and not {APPS * size.events_of_each_app}")
        part.played = len(consumers.arrivals)
        part.figures = _figures(size, consumers.arrivals, held)
    again = f"python -m proofs deliveries --first-seed {options.first_seed}"
    part.violations = [f"{violation} ({again})" for violation in part.violations]
    return part


def _endpoints(consumers: Consumers) -> list[WebhookEndpoint]:
    endpoints = []
    for number in range(APPS):
        app = App.objects.create(developer=Developer.objects.create(name=f"Developer {number}"), name=f"App {number}")
        for _ in range(ENDPOINTS_OF_EACH):
            endpoint, secret = WebhookEndpoint(app=app, event_types=["*"]), new_secret()
            endpoint.url = f"{consumers.base}/{endpoint.pk}"
            set_secret(endpoint, secret)
            endpoint.save(force_insert=True)
            consumers.secrets[endpoint.pk] = secret
            endpoints.append(endpoint)
    return endpoints


def _play(size: Size, dice: random.Random, endpoints: Sequence[WebhookEndpoint], options: Options) -> int:
    """How many deliveries the workers held that were killed at the end of a round."""
    lives = [dice.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S) for _ in range(size.rounds * size.kills_of_each)]
    held = 0
    with ThreadPoolExecutor(APPS * WRITERS_OF_EACH) as pool:
        writing = _begin_to_write(pool, size, dice, endpoints, lasting_s=sum(lives))
        for number in range(size.rounds):
            options.tell(number, size.rounds + 1, f"{Delivery.objects.filter(status='succeeded').count()} delivered")
            held += _round(number, dice, lives[number * size.kills_of_each : (number + 1) * size.kills_of_each])
        for one in writing:
            one.result()
    _finish(size, options)
    return held


def _begin_to_write(
    pool: ThreadPoolExecutor, size: Size, dice: random.Random, endpoints: Sequence[WebhookEndpoint], lasting_s: float
) -> list[Future[None]]:
    """Several threads for each app write its events, at a pace that keeps the workers busy while they are killed."""
    share, rest = divmod(size.events_of_each_app, WRITERS_OF_EACH)
    writing = []
    for app in {endpoint.app.pk: endpoint.app for endpoint in endpoints}.values():
        for number in (share + rest, *[share] * (WRITERS_OF_EACH - 1)):
            own_dice = random.Random(dice.random())  # noqa: S311 - repeatable, guards nothing
            writing.append(pool.submit(_write, app, number, lasting_s * WRITTEN_BY, own_dice))
    return writing


def _write(app: App, number: int, lasting_s: float, dice: random.Random) -> None:
    account = ConnectedAccount(pk=1)  # what the events are about, by its number alone
    written = 0
    while written < number:
        time.sleep(dice.uniform(0, 2 * lasting_s / number))
        try:
            with transaction.atomic(durable=True):
                write_event(EventType.ACCOUNT_UPDATED, subject=account, data={"written": written, "ö": "✓"}, apps=[app])
                if dice.random() < ROLLED_BACK:
                    raise RolledBack
            written += 1
        except RolledBack:
            continue
        finally:
            connections.close_all()  # there are more writers than connections in the pool


def _round(number: int, dice: random.Random, lives: Iterable[float]) -> int:
    """Kills a worker at the end of each life and replaces it, and all of them at last; how many deliveries these held."""
    with ExitStack() as stack:
        workers = [_worker(stack, number) for _ in range(WORKERS)]
        for life_s in lives:
            time.sleep(life_s)
            workers.append(_worker(stack, number))
            _kill(workers.pop(dice.randrange(len(workers) - 1)))
        time.sleep(SHORTEST_LIFE_S)
        for worker in workers:
            _kill(worker)
    held = int(Delivery.objects.filter(leased_until__isnull=False).count())
    connections.close_all()
    return held


def _worker(stack: ExitStack, number: int) -> "subprocess.Popen[str]":
    ahead_s = str(int(number * AHEAD.total_seconds()))
    return stack.enter_context(running("proofs.deliveries", [ahead_s]))


def _kill(worker: "subprocess.Popen[str]") -> None:
    worker.kill()
    worker.wait()


def _finish(size: Size, options: Options) -> None:
    """Workers that nobody kills deliver what is left; they are told to end by SIGTERM."""
    deadline = time.monotonic() + PATIENCE_S
    with ExitStack() as stack:
        for _ in range(WORKERS):
            _worker(stack, size.rounds)
        while Delivery.objects.waiting().exists() and time.monotonic() < deadline:
            time.sleep(LOOK_S)
    options.tell(1, 1, "all delivered")


def findings(arrivals: Sequence[Arrival]) -> list[str]:
    """What is wrong with what arrived, held against the database."""
    return [*_not_delivered(arrivals), *_two_faced(arrivals), *_gaps(), *_unsettled()]


def _not_delivered(arrivals: Sequence[Arrival]) -> list[str]:
    taken = {(one.endpoint_id, one.message_id) for one in arrivals if one.answered == 200}
    planned = set(Delivery.objects.values_list("endpoint_id", "event_id"))
    lost = [f"event {event} never arrived at {endpoint}" for endpoint, event in sorted(planned - taken)]
    return lost + [f"{endpoint} was sent {event}, which is not written" for endpoint, event in sorted(taken - planned)]


def _two_faced(arrivals: Sequence[Arrival]) -> list[str]:
    """An event is the same each time: its id, its number at the endpoint, and its body."""
    bodies = dict(Event.objects.values_list("pk", "body"))
    faces: dict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
    for one in arrivals:
        faces[one.endpoint_id, one.sequence].add((one.message_id, one.body))
    numbers = {
        (endpoint, event): sequence
        for endpoint, event, sequence in Delivery.objects.values_list("endpoint_id", "event_id", "sequence")
    }
    found = [
        f"number {sequence} of {endpoint} had {len(each)} faces" for (endpoint, sequence), each in faces.items() if len(each) > 1
    ]
    found += [f"{one.message_id} arrived changed" for one in arrivals if bodies.get(one.message_id) != one.body]
    return found + [
        f"{one.message_id} arrived at {one.endpoint_id} as number {one.sequence}"
        for one in arrivals
        if numbers.get((one.endpoint_id, one.message_id)) != one.sequence
    ]


def _gaps() -> list[str]:
    """The numbers of an app's events, and of an endpoint's deliveries, are 1, 2, 3 and so on up to the counter."""
    found = []
    for counter in EventCounter.objects.all():
        numbers = list(Event.objects.filter(app=counter.app_id).order_by("sequence").values_list("sequence", flat=True))
        if numbers != list(range(1, counter.last_sequence + 1)):
            found.append(f"the events of app {counter.app_id} have gaps: {len(numbers)} up to {counter.last_sequence}")
    for endpoint in WebhookEndpoint.objects.all():
        numbers = list(Delivery.objects.filter(endpoint=endpoint).order_by("sequence").values_list("sequence", flat=True))
        if numbers != list(range(1, endpoint.last_sequence + 1)):
            found.append(f"the deliveries of {endpoint.pk} have gaps: {len(numbers)} up to {endpoint.last_sequence}")
    return found


def _unsettled() -> list[str]:
    left = Counter(Delivery.objects.exclude(status=Delivery.Status.SUCCEEDED).values_list("status", flat=True))
    found = [f"{number} deliveries are {status}" for status, number in left.items()]
    if held := Delivery.objects.filter(leased_until__isnull=False).count():
        found.append(f"{held} deliveries are still in a worker's hands")
    unnoted = Delivery.objects.exclude(attempt_log__http_status=200).count()
    if unnoted:
        found.append(f"of {unnoted} deliveries no success is noted")
    off = WebhookEndpoint.objects.exclude(status=WebhookEndpoint.Status.ENABLED).count()
    return [*found, f"{off} endpoints were switched off"] if off else found


def _figures(size: Size, arrivals: Sequence[Arrival], held: int) -> dict[str, str | int | float]:
    answers = Counter(one.answered for one in arrivals)
    times = Counter((one.endpoint_id, one.message_id) for one in arrivals if one.answered == 200)
    return {
        "events": Event.objects.count(),
        "deliveries": Delivery.objects.count(),
        "posts": len(arrivals),
        "attempts that are noted": DeliveryAttempt.objects.count(),
        "answered with 500": answers[500],
        "not answered": answers[None],
        "delivered twice or more": sum(1 for number in times.values() if number > 1),
        "workers killed": size.rounds * (size.kills_of_each + WORKERS),
        "deliveries they held at the ends of rounds": held,
    }


if __name__ == "__main__":
    with clock.moved_ahead(timedelta(seconds=int(sys.argv[1]))):
        call_command("worker")
