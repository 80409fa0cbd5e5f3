"""What goes wrong in a simulation: on the wire to Stripe, at a statement of the database, and with the process itself.

A trouble is chosen before the step that meets it, so that the step's own decisions stay the same whatever becomes of it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Protocol
from unittest import mock

from django.db import connection
from requests.structures import CaseInsensitiveDict

import gateway.operations
from commercecore_payments import clock
from gateway.models import Operation
from gateway.outcomes import Outcome
from proofs.world import Answer, Call, Killed, Send, World, at_statement, database_lost, killed, wire
from sandbox.faults.fault_kinds import Fault
from sandbox.transport import network

# What the sandbox does to a call, by its own faults (sandbox/faults/fault_kinds.py).
FAULTS = (
    "refuse_connection", "time_out_before", "time_out_after", "drop_answer", "limit_rate", "lock_timeout", "key_in_use",
    "fail_inside", "fail_after",
)  # fmt: skip
# Stripe is still at work on the request when its caller is told something else, or nothing: its own 409 and 429, as where what
# lies between has sent the request twice, a 504 of what lies between, a timeout, or a connection that is lost at once.
AT_WORK = ("works_on_after_409", "works_on_after_429", "works_on_after_504", "works_on_unanswered", "works_on_cut")
# What the process does around a call. `arrives_late`: the caller has given up, and Stripe gets the request afterwards.
# `meanwhile`: somebody else does something while this one is at Stripe. `overtaken`: the process hangs with Stripe's answer in
# its hands until others take its work over, and then goes on. `suspended`: it is held up between its reservation and its
# sending, recovery comes in between, and then it goes on.
ALONE = (
    "killed_before", "killed_after", "killed_while_at_work", "arrives_late", "arrives_late", "slow_before", "slow_after",
    *AT_WORK,
)  # fmt: skip
ACTS = (*ALONE, "meanwhile_before", "meanwhile_after", "overtaken", "overtaken", *5 * ("suspended",))
# All after which Stripe's effect is still to come, and its key is in use until then.
STILL_AT_WORK = (*AT_WORK, "killed_while_at_work")
# A request is at Stripe within the time that its caller waits at most: 5 s to connect and 30 s for the answer.
LONGEST_ON_THE_WIRE_S = 35
# How long a caller waits for an answer, and how long Stripe works on a request at most: its own libraries give up then.
ANSWER_TIMEOUT_S, LONGEST_AT_STRIPE_S = 30, 80
# From its sending on, the service counts 5 s to connect, 30 to wait and 5 to settle, of which a first 5 may pass before it.
STRIPE_SLOWER = timedelta(seconds=5 + LONGEST_AT_STRIPE_S - 40)
# A process that was held up between its reservation and its sending: a moment, until recovery takes over, past the time to send
# a confirmation and to look at it, and for hours.
SUSPENSIONS_S = (3, 20, 61, 95, 130, 200, 400, 4000, 25 * 3600)
# How often recovery comes while a process is suspended, and how often the payment is read while its call is sent again.
RECOVERY_MEANWHILE, READ_MEANWHILE = 0.8, 0.8
# A read within a step within a step is one too many.
DEEPEST_READ = 2
# A process that was held up after Stripe's answer: a moment, past its lease, past the time to send again.
PAUSES_S = (1, 30, 50, 130, 400, 4000)
# The service's statements of one request lie below this number; a trouble at a later one meets nothing.
LAST_STATEMENT = 45
CALLS_OF_ONE_STEP = 4


@dataclass(frozen=True, slots=True)
class Trouble:
    """`kind` is one of FAULTS or ACTS, or what happens `at_statement`; `number` is that of the call or the statement.

    `of_writes`: the calls that only read are not counted, and meet nothing.
    """

    kind: str
    number: int
    seconds: int = 0
    of_writes: bool = True

    def __str__(self) -> str:
        return f"{self.kind}@{self.number}" + (f"({self.seconds}s)" if self.seconds else "")


def choose(random: Random, *, may_interleave: bool) -> Trouble | None:
    """Trouble for one step, or none. `may_interleave`: whether another caller may act meanwhile."""
    if random.random() > 0.45:
        return None
    number = min(1 + int(random.expovariate(1.7)), CALLS_OF_ONE_STEP)
    place, of_writes = random.random(), random.random() < 0.7
    if place < 0.4:
        return Trouble(random.choice(FAULTS), number, of_writes=of_writes)
    if place < 0.8:
        kind = random.choice(ACTS if may_interleave else ALONE)
        return Trouble(kind, number, _seconds(random, kind), of_writes=of_writes)
    kind = random.choice(("killed_at_statement", "killed_at_statement", "database_lost", "paused_at_statement"))
    seconds = random.choice(PAUSES_S) if kind == "paused_at_statement" else 0
    return Trouble(kind, random.randint(1, LAST_STATEMENT), seconds)


def _seconds(random: Random, kind: str) -> int:
    if kind in ("arrives_late", "slow_before"):
        return random.randint(1, LONGEST_ON_THE_WIRE_S)
    if kind in STILL_AT_WORK:  # mostly past the time at which the caller's own process has certainly given up
        return random.randint(1 if random.random() < 0.25 else 40, LONGEST_AT_STRIPE_S)
    if kind == "suspended":
        return random.choice(SUSPENSIONS_S)
    return random.choice(PAUSES_S) if kind in ("slow_after", "overtaken") else 0


class Others(Protocol):
    """What others do while a request is on its way or a process is held up."""

    def act(self) -> None: ...

    def recover(self) -> None: ...

    def read_payment(self, intent_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Late:
    """A request whose effect is still to come: `at` in seconds of the clock. `is_at_stripe`: its key is in use there."""

    at: float
    call: Call
    send: Send
    is_at_stripe: bool = False

    def blocks(self, call: Call) -> bool:
        same = (self.call.account, self.call.idempotency_key) == (call.account, call.idempotency_key)
        return self.is_at_stripe and same and call.idempotency_key != ""


@dataclass
class Wire:
    """The wire of one simulated world: it meets each step's trouble, and delivers late what was sent too slowly.

    `scenes` counts what came about: a trouble that is chosen may meet nothing.
    """

    world: World
    others: Others
    random: Random
    troubles: list[Trouble] = field(default_factory=list)
    calls: list[int] = field(default_factory=lambda: [0])
    # How many operations each step has sent, or was about to.
    sendings: list[int] = field(default_factory=lambda: [0])
    # A fault that meets every call: Stripe, or the way to it, is down.
    outage: str = ""
    late: list[Late] = field(default_factory=list)
    # The idempotency keys that were sent before.
    keys_seen: set[str] = field(default_factory=set)
    scenes: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def open(self) -> Iterator[None]:
        sends = gateway.operations.send
        suspending = mock.patch.object(gateway.operations, "send", lambda operation: self._suspend_before(operation, sends))
        with wire(self._meddle), suspending:
            yield

    @contextmanager
    def step(self, trouble: Trouble | None) -> Iterator[None]:
        """One request of the service, or one recovery, that meets a trouble of its own. A step inside of another is another's."""
        self.troubles.append(trouble or Trouble("", 0))
        self.calls.append(0)
        self.sendings.append(0)
        try:
            with self._at_statement(trouble):
                yield
        finally:
            self.troubles.pop()
            self.calls.pop()
            self.sendings.pop()

    @contextmanager
    def _at_statement(self, trouble: Trouble | None) -> Iterator[None]:
        strikes: dict[str, Callable[[], None]] = {
            "killed_at_statement": killed,
            "database_lost": database_lost,
            "paused_at_statement": lambda: self.pass_time(trouble.seconds if trouble else 0),
        }
        if trouble is None or trouble.kind not in strikes:
            yield
            return
        depth, strike = len(self.troubles), strikes[trouble.kind]
        # What others do meanwhile is done by processes of their own.
        with at_statement(trouble.number, lambda: strike() if len(self.troubles) == depth else None):
            yield

    def _suspend_before(self, operation: Operation, sends: Callable[[Operation], Outcome]) -> Outcome:
        """The process is held up: what it has reserved is committed, and it has sent nothing yet."""
        trouble = self._trouble()
        self.sendings[-1] += 1
        if trouble.kind == "suspended" and trouble.number == self.sendings[-1]:
            self.scenes[f"suspended before {operation.kind}"] += 1
            connection.close()
            self.pass_time(trouble.seconds)
            if self.random.random() < RECOVERY_MEANWHILE:
                self.others.recover()
            if self.random.random() < 0.5:
                self.others.act()
        return sends(operation)

    def _meddle(self, call: Call, send: Send) -> Answer:
        is_resending = call.idempotency_key in self.keys_seen
        if call.idempotency_key:
            self.keys_seen.add(call.idempotency_key)
        if is_resending and len(self.troubles) <= DEEPEST_READ and self.random.random() < READ_MEANWHILE:
            return self._read_around(call, send)
        return self._meet(call, send)

    def _read_around(self, call: Call, send: Send) -> Answer:
        """The payment is read while its call is sent again: before Stripe acts, or before its answer is written down."""
        found = re.search(r"pi_[A-Za-z0-9]+", f"{call.path} {call.body}")
        if found is None:
            return self._meet(call, send)
        self.scenes["read during a resending"] += 1
        if self.random.random() < 0.5:
            self.others.read_payment(found.group())
            return self._meet(call, send)
        answer = self._meet(call, send)
        self.others.read_payment(found.group())
        return answer

    def _meet(self, call: Call, send: Send) -> Answer:
        trouble = self._trouble()
        is_counted = call.writes or not trouble.of_writes
        self.calls[-1] += is_counted
        if self.outage:
            return send(self.outage)
        if any(late.blocks(call) for late in self.late):  # as Stripe does while the first request under a key is at work
            self.scenes["answered with 409 while Stripe is at work"] += 1
            return send("key_in_use")
        if not is_counted or trouble.number != self.calls[-1]:
            return send()
        if trouble.kind in FAULTS:
            return send(trouble.kind)
        if trouble.kind in STILL_AT_WORK:
            return self._work_on(trouble, call, send) if call.writes else send()
        return self._act(trouble, call, send) if trouble.kind in ACTS else send()

    def _work_on(self, trouble: Trouble, call: Call, send: Send) -> Answer:
        """Stripe carries the request out some seconds later, and its caller is not told."""
        self.scenes[f"{trouble.kind}{', 40 s or more' if trouble.seconds >= 40 else ''}"] += 1
        self.late.append(Late(_seconds_of_the_clock() + trouble.seconds, call, send, is_at_stripe=True))
        if trouble.kind == "works_on_after_409":
            return send("key_in_use")
        if trouble.kind == "works_on_after_429":
            return send("lock_timeout")
        if trouble.kind == "works_on_after_504":
            return "<html>504 Gateway Time-out</html>", 504, CaseInsensitiveDict({"Content-Type": "text/html"})
        if trouble.kind == "killed_while_at_work":
            raise Killed
        if trouble.kind == "works_on_unanswered":
            self.pass_time(ANSWER_TIMEOUT_S)
            return _fail("time_out_after", call)
        return _fail("drop_answer", call)

    def _act(self, trouble: Trouble, call: Call, send: Send) -> Answer:
        if trouble.kind == "killed_before":
            raise Killed
        if trouble.kind == "arrives_late":
            if call.writes:
                self.late.append(Late(_seconds_of_the_clock() + trouble.seconds, call, send))
            _fail("time_out_after", call)
        if trouble.kind == "slow_before":
            self.pass_time(trouble.seconds)
        if trouble.kind == "meanwhile_before":
            self._let_others_act(call)
        answer = send()
        if trouble.kind == "killed_after":
            raise Killed
        if trouble.kind in ("slow_after", "overtaken"):
            self.pass_time(trouble.seconds)
        if trouble.kind in ("meanwhile_after", "overtaken"):
            self.others.act()
        return answer

    def _let_others_act(self, call: Call) -> None:
        """Whoever takes longer than a request may be on the wire finds that it was lost there."""
        began = _seconds_of_the_clock()
        self.others.act()
        if _seconds_of_the_clock() - began > LONGEST_ON_THE_WIRE_S:
            _fail("time_out_before", call)

    def _trouble(self) -> Trouble:
        return self.troubles[-1] if self.troubles else Trouble("", 0)

    def seconds_until_confirmed(self) -> float | None:
        """How long Stripe goes on to work on a confirmation that nobody was answered; None where it works on none."""
        at_work = (late.at for late in self.late if late.is_at_stripe and late.call.path.endswith("/confirm"))
        moment = max(at_work, default=None)
        return moment - _seconds_of_the_clock() if moment is not None else None

    def pass_time(self, seconds: float) -> None:
        """Time passes, and what was sent too slowly arrives in it, each at its own moment."""
        end = _seconds_of_the_clock() + seconds
        for late in sorted(self.late, key=lambda sent: sent.at):
            if late.at > end:
                break
            self.late = [sent for sent in self.late if sent is not late]
            self.world.move_clock(timedelta(seconds=max(late.at - _seconds_of_the_clock(), 0)))
            late.send()
        self.world.move_clock(timedelta(seconds=max(end - _seconds_of_the_clock(), 0)))

    def calm(self) -> None:
        """No faults any more; whatever is still on its way arrives."""
        self.outage = ""
        self.pass_time(LONGEST_AT_STRIPE_S + 1)


def _fail(kind: str, call: Call) -> Answer:
    """Raises what the SDK does where a call is left without an answer."""
    network.fail(Fault(kind), method=call.method, url=f"https://api.stripe.com{call.path}")


def _seconds_of_the_clock() -> float:
    return clock.now().timestamp()
