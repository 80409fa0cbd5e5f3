"""Many processes on one PostgreSQL, one of them killed at a time, under load: nothing is lost, and every answer is true.

Three web servers and two workers, as separate processes, and the sandbox in its own behind a socket. Callers pay, capture, cancel
and refund, and send each request again until it is answered; a share of the calls to Stripe fails. Every few seconds a process is
killed or told to end, and replaced, or the database ends all its sessions. Afterwards the faults stop, what is left is worked
off, and both books are compared, with each other and with what the callers were told and the consumer has received.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from django.db import connections

from gateway.models import OPEN_STATUSES, Operation
from proofs.answer_rules import broken_promises
from proofs.books import Books
from proofs.consumers import Consumers, consuming
from proofs.deliveries import findings as findings_of_deliveries
from proofs.fleet import Fleet, fleet
from proofs.footprint import findings_at_rest
from proofs.report import Options, Part, timed
from proofs.shoppers import Deed, Shopper
from proofs.soak import Sample, not_flat, summary, watch
from proofs.verdicts import reviews, unjustified_reviews
from proofs.world import World
from stripe_events.models import Status as EventStatus
from stripe_events.models import StripeEvent
from webhooks.models import Delivery, WebhookEndpoint
from webhooks.models import Event as OutgoingEvent
from webhooks.secrets import new_secret, set_secret

SELLERS, SHOPPERS = 3, 8
# Of the calls to Stripe, the share that meets a fault.
FAULTS = 0.05
# Seconds between two blows: a process needs some five of them to be ready again on a busy machine.
SHORTEST_PEACE_S, LONGEST_PEACE_S = 2.0, 8.0
# Minutes of each form; the long one is the soak.
QUICK_MINUTES, SHORT_MINUTES, LONG_MINUTES = 0.5, 2.0, 30.0
# Seconds that a caller pauses between two orders on average: some two orders a second, which two cores bear beside the sandbox.
PAUSE_S = 3.0
# Seconds for all that is left afterwards: an event that failed is tried again for a minute or two.
QUIET_S = 240.0
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Played:
    """What a run left to be judged."""

    shoppers: Sequence[Shopper]
    samples: Sequence[Sample]
    spared: Sequence[str]
    blows: dict[str, int]

    @property
    def deeds(self) -> list[Deed]:
        return [deed for shopper in self.shoppers for deed in shopper.deeds]

    @property
    def answered(self) -> int:
        """How many requests were answered in the end: what was given up proves nothing."""
        return sum(deed.status > 0 for deed in self.deeds)


def prove(options: Options) -> Part:
    """Plays it once, on the PostgreSQL that Django is set up on."""
    part = Part("many")
    minutes = options.minutes or (LONG_MINUTES if options.is_long else QUICK_MINUTES if options.is_quick else SHORT_MINUTES)
    with timed(part), consuming(options.first_seed) as consumers, World.create(sellers=SELLERS) as world:
        _subscribe(world, consumers)
        played = _play(world, minutes, options)
        part.violations = _findings(world, played, consumers)
        part.played = played.answered
        part.figures = _figures(played, consumers)
    _keep(played.samples, options)
    return part


def _subscribe(world: World, consumers: Consumers) -> None:
    endpoint, secret = WebhookEndpoint(app=world.tenant.app, event_types=["*"]), new_secret()
    endpoint.url = f"{consumers.base}/{endpoint.pk}"
    set_secret(endpoint, secret)
    endpoint.save(force_insert=True)
    consumers.secrets[endpoint.pk] = secret


def _play(world: World, minutes: float, options: Options) -> Played:
    samples: list[Sample] = []
    with fleet(faults=FAULTS) as whole:
        addresses = [web.address for web in whole.webs]
        shoppers = [Shopper(number, world.tenant, world.sellers, addresses, PAUSE_S) for number in range(SHOPPERS)]
        is_over = Event()
        with ThreadPoolExecutor(SHOPPERS + 1) as pool:
            under_way = [pool.submit(shopper.shop, is_over) for shopper in shoppers]
            under_way.append(pool.submit(watch, whole, is_over, samples))
            try:
                _strike(whole, minutes, options)
            finally:
                is_over.set()
            for one in under_way:
                one.result()
        _come_to_rest(world, whole)
        return Played(shoppers, samples, [whole.door.name, whole.webs[0].name, whole.workers[0].name], whole.blows)


def _strike(whole: Fleet, minutes: float, options: Options) -> None:
    dice = random.Random(options.first_seed)  # noqa: S311 - repeatable, guards nothing
    started = time.monotonic()
    while (passed_s := time.monotonic() - started) < minutes * 60:
        options.tell(int(passed_s), int(minutes * 60), str(whole.blows))
        time.sleep(min(dice.uniform(SHORTEST_PEACE_S, LONGEST_PEACE_S), max(minutes * 60 - passed_s, 0)))
        whole.strike(dice)
    options.tell(1, 1, str(whole.blows))


def _come_to_rest(world: World, whole: Fleet) -> None:
    """Without faults the workers go on; what would be recovered hours later is, by a clock that is moved."""
    whole.replace_workers(faults=0)
    _wait_for_queues()
    world.settle_down()
    world.close()
    _wait_for_queues()
    connections.close_all()


def _wait_for_queues() -> None:
    deadline = time.monotonic() + QUIET_S
    while time.monotonic() < deadline:
        if not StripeEvent.objects.filter(status=EventStatus.PENDING).exists() and not Delivery.objects.waiting().exists():
            return
        time.sleep(LOOK_S)


def _findings(world: World, played: Played, consumers: Consumers) -> list[str]:
    developer = world.tenant.developer.pk
    left = [f"{one.pk} ({one.kind}) is {one.status}" for one in Operation.objects.filter(status__in=OPEN_STATUSES)
            if one.status != "needs_review"]  # fmt: skip
    pending = StripeEvent.objects.filter(status__in=(EventStatus.PENDING, EventStatus.FAILED)).count()
    return [
        *(failure for shopper in played.shoppers for failure in shopper.failures),
        *left,
        *([f"{pending} of Stripe's events are not applied"] if pending else []),
        *(str(finding) for finding in unjustified_reviews(developer)),
        *findings_at_rest(world),
        *broken_promises(Books.read(developer), played.deeds),
        *consumers.violations,
        *findings_of_deliveries(consumers.arrivals),
        *not_flat(played.samples, played.spared),
    ]


def _figures(played: Played, consumers: Consumers) -> dict[str, str | int | float]:
    tries: Counter[str] = sum((shopper.tries for shopper in played.shoppers), Counter())
    acts = Counter(f"{deed.act} {deed.status or 'given up'}" for deed in played.deeds)
    return {
        **played.blows,
        "requests, each with its repeats": len(played.deeds),
        **{f"  {name}": number for name, number in sorted(acts.items())},
        **{f"repeated after {name}": number for name, number in sorted(tries.items()) if name != "answered"},
        "events": OutgoingEvent.objects.count(),
        "posts to the consumer": len(consumers.arrivals),
        **{f"left to a person: {name}": number for name, number in reviews().items()},
        **summary(played.samples, played.spared),
    }


def _keep(samples: Sequence[Sample], options: Options) -> None:
    options.output_dir.mkdir(parents=True, exist_ok=True)
    path = options.output_dir / "many-samples.json"
    path.write_text(json.dumps([sample.as_dict() for sample in samples], indent=1) + "\n")
