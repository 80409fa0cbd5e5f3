"""Races on PostgreSQL: eight callers at the same moment, in real threads, again and again.

Stripe answers each call after a random moment, so that every round interleaves otherwise; in some races answers get lost as
well. After each round the books have to agree, nobody may have met a failure of the service, and what the race is about has
to have happened once. SQLite has one writer and no row locks: there is nothing to race for.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier, local
from typing import Any
from unittest import mock

from django.db import connections
from rest_framework.test import APIClient

from commercecore_payments.recovery import recover_due
from commercecore_payments.tests.tenants import Tenant
from gateway.models import Kind, Operation, Status
from proofs.crash_sweep import empty_database
from proofs.footprint import findings_at_rest, footprint, newest_object
from proofs.report import Options, Part, timed
from proofs.scenes import PATIENCE, VERSION
from proofs.world import World
from sandbox.faults.fault_headers import HEADER
from sandbox.transport.http_client import SandboxHTTPClient

CALLERS = 8
QUICK_ROUNDS, SHORT_ROUNDS, LONG_ROUNDS = 1, 5, 200
# Seconds that Stripe takes at the most: many times what the service needs between two of its statements.
LONGEST_CALL_S = 0.02
# Of the writes to Stripe in a race that loses answers, the share that does.
LOST = 0.25
# Seconds in which eight threads have begun on any machine.
START_TIMEOUT_S = 30
# The database is emptied after so many rounds: the sandbox looks through all that is due in it.
ROUNDS_PER_DATABASE = 25
AMOUNT_MINOR = 1000
ORDER = "raced-order"


@dataclass
class Round:
    """One round of a race: its world, what was prepared in it, and how many objects Stripe held before."""

    world: World
    since: int
    transaction_id: str = ""
    answers: list[Any] = field(default_factory=list)

    @property
    def seller(self) -> str:
        return self.world.sellers[0]

    def caller(self) -> World:
        """The same world for one thread, with a client of its own."""
        known = self.world.tenant
        client = APIClient(raise_request_exception=False)
        tenant = Tenant(known.developer, known.app, known.token, user_id=known.user_id, version=known.version, client=client)
        return World(tenant, self.world.sellers)

    def at_stripe(self, kind: str) -> list[str]:
        """What Stripe holds of one type of object, as `proofs.footprint` tells it."""
        return [told.removeprefix(f"{kind} ") for told in footprint(self.since) if told.startswith(f"{kind} ")]

    def succeeded(self) -> list[Any]:
        return [answer for answer in self.answers if answer.status_code in (200, 201)]


@dataclass(frozen=True)
class Race:
    """`prepare` brings about what is raced for, `call` is what the caller of a number does, `check` tells what is wrong."""

    name: str
    prepare: Callable[[Round], None]
    call: Callable[[World, Round, int], Any]
    check: Callable[[Round], list[str]]
    loses_answers: bool = False


def _nothing(a_round: Round) -> None:
    """Nothing is needed beforehand."""


def _create(a_round: Round, **body: Any) -> None:
    answer = a_round.world.create_payment(a_round.seller, ORDER, amount=AMOUNT_MINOR, **body)
    a_round.transaction_id = answer.json()["data"]["transaction_id"]


def _pay(a_round: Round, **body: Any) -> None:
    _create(a_round, **body)
    a_round.world.confirm(a_round.seller, a_round.transaction_id, "pm_card_visa")


def _hold(a_round: Round) -> None:
    _pay(a_round, capture_method="manual")


def _refund_and_lose_the_answer(a_round: Round) -> None:
    _pay(a_round)
    with _stripe(seed=0, lost=1.0):
        a_round.world.refund(a_round.seller, ORDER, amount=400)
    a_round.world.move_clock(PATIENCE)


def _confirm_and_lose_the_answer(a_round: Round) -> None:
    _create(a_round)
    with _stripe(seed=0, lost=1.0):
        a_round.world.confirm(a_round.seller, a_round.transaction_id, "pm_card_visa")
    a_round.world.move_clock(PATIENCE)


def _recover(world: World, a_round: Round, number: int) -> None:
    for _ in recover_due():
        pass


def _confirm(world: World, a_round: Round, key: str = "") -> Any:
    return world.confirm(a_round.seller, a_round.transaction_id, "pm_card_visa", key=key)


def _capture_cancel_or_refund(world: World, a_round: Round, number: int) -> Any:
    if number % 3 == 0:
        return world.capture(a_round.transaction_id)
    if number % 3 == 1:
        return world.cancel(a_round.transaction_id)
    return world.refund(a_round.seller, ORDER, amount=300 + number)


def _one(kind: str) -> Callable[[Round], list[str]]:
    """Exactly one object of this type came of it, and everybody who was answered was told the same."""

    def check(a_round: Round) -> list[str]:
        made = a_round.at_stripe(kind)
        told = {answer.content for answer in a_round.succeeded()}
        return [f"Stripe holds {made}"] * (len(made) != 1) + ["callers were told different things"] * (len(told) > 1)

    return check


def _one_charge(a_round: Round) -> list[str]:
    charges = a_round.at_stripe("charge")
    return [] if len(charges) == 1 else [f"Stripe holds the charges {charges}"]


def _charged_or_canceled(a_round: Round) -> list[str]:
    canceled = any("canceled" in intent for intent in a_round.at_stripe("payment_intent"))
    charges = a_round.at_stripe("charge")
    return [f"canceled {canceled}, and the charges are {charges}"] if len(charges) != (0 if canceled else 1) else []


def _one_payment(a_round: Round) -> list[str]:
    made = a_round.at_stripe("payment_intent")
    told = {answer.json()["data"]["transaction_id"] for answer in a_round.succeeded()}
    return [] if len(made) == 1 and len(told) <= 1 else [f"Stripe holds {made}; the callers were told of {told}"]


def _one_refund(a_round: Round) -> list[str]:
    refunds = a_round.at_stripe("refund")
    return [] if len(refunds) == 1 else [f"Stripe holds the refunds {refunds}"]


def _legal(a_round: Round) -> list[str]:
    """The ledger alone tells."""
    return []


def _within_the_charge(a_round: Round) -> list[str]:
    """Our own rule refused what was too much: none of it got as far as Stripe, which would have refused it as well."""
    refused = Operation.objects.filter(kind=Kind.REFUND_CREATE, status=Status.REJECTED, developer=a_round.world.tenant.developer)
    return [f"Stripe had to refuse {operation.parameters['amount']}: {operation.error_message}" for operation in refused]


RACES: tuple[Race, ...] = (
    Race(
        "same_key_creates",
        _nothing,
        lambda world, a_round, _: world.create_payment(a_round.seller, ORDER, amount=AMOUNT_MINOR, key="raced"),
        _one("payment_intent"),
    ),
    Race("same_key_confirms", _create, lambda world, a_round, _: _confirm(world, a_round, "raced"), _one("charge")),
    Race(
        "same_key_refunds",
        _pay,
        lambda world, a_round, _: world.refund(a_round.seller, ORDER, amount=400, key="raced"),
        _one("refund"),
    ),
    Race(
        "refunds_beyond_the_charge",
        _pay,
        lambda world, a_round, number: world.refund(a_round.seller, ORDER, amount=300 + number, key=f"raced-{number}"),
        _within_the_charge,
    ),
    Race(
        "refunds_with_lost_answers",
        _pay,
        lambda world, a_round, number: world.refund(a_round.seller, ORDER, amount=300 + number, key=f"raced-{number}"),
        _within_the_charge,
        loses_answers=True,
    ),
    Race(
        "confirm_against_cancel",
        _create,
        lambda world, a_round, number: world.cancel(a_round.transaction_id) if number % 2 else _confirm(world, a_round),
        _charged_or_canceled,
    ),
    Race("capture_against_cancel_and_refund", _hold, _capture_cancel_or_refund, _legal),
    Race(
        "same_order_created_twice",
        _nothing,
        lambda world, a_round, number: world.create_payment(a_round.seller, ORDER, amount=AMOUNT_MINOR + number % 2),
        _one_payment,
    ),
    Race("confirms_with_lost_answers", _create, lambda world, a_round, _: _confirm(world, a_round), _one_charge, True),
    Race("recovery_by_several", _refund_and_lose_the_answer, _recover, _one_refund),
    Race(
        "unknown_refund_resumed",
        _refund_and_lose_the_answer,
        lambda world, a_round, _: world.refund(a_round.seller, ORDER, amount=400),
        _within_the_charge,
    ),
    Race(
        "unknown_confirmation_resumed",
        _confirm_and_lose_the_answer,
        lambda world, a_round, number: _recover(world, a_round, number) if number % 2 else _confirm(world, a_round),
        _one_charge,
    ),
)


@contextmanager
def _stripe(*, seed: int, lost: float) -> Iterator[None]:
    """While open, Stripe takes its time, a random one for each thread, and a share of the answers to writes gets lost."""
    whole, of_thread = SandboxHTTPClient.request, local()

    def request(self: SandboxHTTPClient, method: str, url: str, headers: Any, post_data: Any = None, **more: Any) -> Any:
        if not hasattr(of_thread, "dice"):
            of_thread.dice = random.Random(f"{seed} {getattr(_number, 'value', 0)}")  # noqa: S311 - repeatable, guards nothing
        dice = of_thread.dice
        time.sleep(dice.uniform(0, LONGEST_CALL_S))
        loses = method.upper() != "GET" and dice.random() < lost
        try:
            return whole(
                self, method, url, {**(headers or {}), HEADER: "time_out_after"} if loses else headers, post_data, **more
            )
        finally:
            time.sleep(dice.uniform(0, LONGEST_CALL_S))

    with mock.patch.object(SandboxHTTPClient, "request", request):
        yield


# The number of the present thread's caller.
_number = local()


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What callers who start together are answered."""
    start = Barrier(len(calls))

    def one(number: int) -> Any:
        _number.value = number
        try:
            start.wait(timeout=START_TIMEOUT_S)
            return calls[number]()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, range(len(calls))))


def play(race: Race, seed: int) -> list[str]:
    """One round; what is wrong after it."""
    since = newest_object()
    with World.create() as world:
        world.tenant.version = VERSION
        a_round = Round(world, since)
        race.prepare(a_round)
        calls = [_call(race, a_round, number) for number in range(CALLERS)]
        with _stripe(seed=seed, lost=LOST if race.loses_answers else 0.0):
            a_round.answers = [answer for answer in at_once(calls) if answer is not None]
        problems = [f"a caller was answered {_told(answer)}" for answer in a_round.answers if answer.status_code in (500, 502)]
        problems += [str(finding) for finding in world.findings()]
        world.move_clock(PATIENCE)
        problems += [str(finding) for finding in world.settle_down()]
        problems += findings_at_rest(world)
        return problems + race.check(a_round)


def _call(race: Race, a_round: Round, number: int) -> Callable[[], Any]:
    caller = a_round.caller()
    return lambda: race.call(caller, a_round, number)


def _told(answer: Any) -> str:
    return f"{answer.status_code} {answer.content.decode()[:200]}"


def prove(options: Options) -> Part:
    """Plays every race, on the PostgreSQL that Django is set up on."""
    part = Part("races")
    rounds = LONG_ROUNDS if options.is_long else QUICK_ROUNDS if options.is_quick else SHORT_ROUNDS
    seeds = [options.seed] if options.seed is not None else [options.first_seed + number for number in range(rounds)]
    chosen = [race for race in RACES if options.operation in ("", race.name)]
    with timed(part):
        for done, race in enumerate(chosen):
            for number, seed in enumerate(seeds):
                options.tell(done, len(chosen), f"{race.name} {number}/{len(seeds)}; {len(part.violations)} violations")
                again = f"python -m proofs races --operation {race.name} --seed {seed}"
                part.violations += [f"{race.name}, seed {seed}: {problem} ({again})" for problem in play(race, seed)]
                part.played += 1
                if number % ROUNDS_PER_DATABASE == ROUNDS_PER_DATABASE - 1:
                    empty_database()
            part.figures[race.name] = f"{len(seeds)} x {CALLERS} callers"
    part.figures["races x callers"] = f"{len(chosen) * len(seeds)} x {CALLERS}"
    return part
