"""What goes wrong in a simulation: on the wire to Stripe, at a statement of the database, and with the process itself.

A trouble is chosen before the step that meets it, so that the step's own decisions stay the same whatever becomes of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from commercecore_payments import clock
from proofs.world import Answer, Call, Killed, Send, World, at_statement, database_lost, killed, wire
from sandbox.faults.fault_kinds import Fault
from sandbox.transport import network

# What the sandbox does to a call, by its own faults (sandbox/faults/fault_kinds.py).
FAULTS = (
    "refuse_connection", "time_out_before", "time_out_after", "drop_answer", "limit_rate", "lock_timeout", "key_in_use",
    "fail_inside", "fail_after",
)  # fmt: skip
# What the process does around a call. `arrives_late`: the caller has given up, and Stripe gets the request afterwards.
# `meanwhile`: somebody else does something while this one is at Stripe. `overtaken`: the process hangs with Stripe's answer in
# its hands until others take its work over, and then goes on.
ALONE = ("killed_before", "killed_after", "arrives_late", "arrives_late", "slow_before", "slow_after")
ACTS = (*ALONE, "meanwhile_before", "meanwhile_after", "overtaken", "overtaken")
# A request is at Stripe within the time that its caller waits at most: 5 s to connect and 30 s for the answer.
LONGEST_ON_THE_WIRE_S = 35
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
    if place < 0.45:
        return Trouble(random.choice(FAULTS), number, of_writes=of_writes)
    if place < 0.75:
        kind = random.choice(ACTS if may_interleave else ALONE)
        return Trouble(kind, number, _seconds(random, kind), of_writes=of_writes)
    kind = random.choice(("killed_at_statement", "killed_at_statement", "database_lost", "paused_at_statement"))
    seconds = random.choice(PAUSES_S) if kind == "paused_at_statement" else 0
    return Trouble(kind, random.randint(1, LAST_STATEMENT), seconds)


def _seconds(random: Random, kind: str) -> int:
    if kind in ("arrives_late", "slow_before"):
        return random.randint(1, LONGEST_ON_THE_WIRE_S)
    return random.choice(PAUSES_S) if kind in ("slow_after", "overtaken") else 0


@dataclass
class Wire:
    """The wire of one simulated world: it meets each step's trouble, and delivers late what was sent too slowly."""

    world: World
    meanwhile: Callable[[], None]
    troubles: list[Trouble] = field(default_factory=list)
    calls: list[int] = field(default_factory=lambda: [0])
    # A fault that meets every call: Stripe, or the way to it, is down.
    outage: str = ""
    late: list[tuple[float, Send]] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[None]:
        with wire(self._meddle):
            yield

    @contextmanager
    def step(self, trouble: Trouble | None) -> Iterator[None]:
        """One request of the service, or one recovery, that meets a trouble of its own. A step inside of another is another's."""
        self.troubles.append(trouble or Trouble("", 0))
        self.calls.append(0)
        try:
            with self._at_statement(trouble):
                yield
        finally:
            self.troubles.pop()
            self.calls.pop()

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
        with at_statement(trouble.number, strikes[trouble.kind]):
            yield

    def _meddle(self, call: Call, send: Send) -> Answer:
        trouble = self.troubles[-1] if self.troubles else Trouble("", 0)
        is_counted = call.writes or not trouble.of_writes
        self.calls[-1] += is_counted
        if self.outage:
            return send(self.outage)
        if not is_counted or trouble.number != self.calls[-1]:
            return send()
        if trouble.kind in FAULTS:
            return send(trouble.kind)
        return self._act(trouble, call, send) if trouble.kind in ACTS else send()

    def _act(self, trouble: Trouble, call: Call, send: Send) -> Answer:
        if trouble.kind == "killed_before":
            raise Killed
        if trouble.kind == "arrives_late":
            if call.writes:
                self.late.append((_seconds_of_the_clock() + trouble.seconds, send))
            network.fail(Fault("time_out_after"), method=call.method, url=f"https://api.stripe.com{call.path}")
        if trouble.kind == "slow_before":
            self.pass_time(trouble.seconds)
        if trouble.kind == "meanwhile_before":
            self.meanwhile()
        answer = send()
        if trouble.kind == "killed_after":
            raise Killed
        if trouble.kind in ("slow_after", "overtaken"):
            self.pass_time(trouble.seconds)
        if trouble.kind in ("meanwhile_after", "overtaken"):
            self.meanwhile()
        return answer

    def pass_time(self, seconds: float) -> None:
        """Time passes, and what was sent too slowly arrives in it, each at its own moment."""
        end = _seconds_of_the_clock() + seconds
        for at, send in sorted(self.late, key=lambda sent: sent[0]):
            if at > end:
                break
            self.late = [sent for sent in self.late if sent[1] is not send]
            self.world.move_clock(timedelta(seconds=max(at - _seconds_of_the_clock(), 0)))
            send()
        self.world.move_clock(timedelta(seconds=max(end - _seconds_of_the_clock(), 0)))

    def calm(self) -> None:
        """No faults any more; whatever is still on its way arrives."""
        self.outage = ""
        self.pass_time(LONGEST_ON_THE_WIRE_S + 1)


def _seconds_of_the_clock() -> float:
    return clock.now().timestamp()
