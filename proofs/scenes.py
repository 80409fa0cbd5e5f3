"""What the crash sweep sweeps: a scene for each operation and for its recovery, and its undisturbed performance."""

from dataclasses import dataclass
from datetime import timedelta

from commercecore_payments.recovery import recover_due
from proofs.answers import Told, tell
from proofs.crash_points import AFTER_STRIPE, BEFORE_STRIPE, Act, at_point, die, disconnect, in_a_process, nothing, watched
from proofs.footprint import Footprint, footprint, newest_object
from proofs.swept_operations import OPERATIONS, SweptOperation
from proofs.world import World

# Longer than a call of Stripe, so that nobody is taken to be at work still, and within the two minutes in which a
# confirmation may be sent again.
PATIENCE = timedelta(seconds=61)
# When a recovery begins that had been out of service: past the time to confirm, and past the life of Stripe's keys.
LATE_FOR_CONFIRMATIONS = timedelta(hours=1)
LATE_FOR_ALL = timedelta(hours=25)
# A caller who is told to come again does so this often.
MOST_REPEATS = 12
# The version whose statuses mean what they say.
VERSION = "2026-12-01"


@dataclass
class Scene:
    """One world in which an operation is asked for, all that the request needs having been brought about."""

    operation: SweptOperation
    world: World
    method: str
    path: str
    body: dict[str, object]
    since: int
    key: str

    @classmethod
    def set(cls, operation: SweptOperation) -> "Scene":
        since = newest_object()
        world = World.create()
        world.tenant.version = VERSION
        ask = operation.prepare(world.tenant, world.sellers[0])
        return cls(operation, world, ask.method, ask.path, dict(ask.body), since, "swept-key")

    def ask(self) -> Told:
        """Makes the request, always the same and under the same Idempotency-Key."""
        if self.method == "DELETE":
            return tell(self.world.delete(self.path, key=self.key))
        return tell(self.world.post(self.path, self.body, key=self.key))

    def perform(self, act: Act) -> "Performed":
        """The swept act, in a process of its own that has `act` done at each point; only what was not killed answers."""
        with watched(act) as passage:
            told = self.ask()
        return Performed(told, passage.labels, passage.violations)

    def footprint(self) -> Footprint:
        return footprint(self.since)

    def repeat_until_answered(self) -> Told:
        """The caller comes again whenever it is told to, once its own first attempt cannot be under way any more."""
        for _ in range(MOST_REPEATS):
            self.world.move_clock(PATIENCE)
            told = self.ask()
            if not told.asks_to_come_again:
                return told
        return told


class RecoveryScene(Scene):
    """The same after its process has died at Stripe's last write: what is swept now is the recovery."""

    delay = PATIENCE

    def perform(self, act: Act) -> "Performed":
        with watched(act) as passage:
            for _ in recover_due():
                pass
        return Performed(None, passage.labels, passage.violations)


@dataclass(frozen=True)
class Performed:
    told: Told | None
    labels: list[str]
    violations: list[str]


@dataclass(frozen=True)
class Measured:
    """An undisturbed performance: its points, its answer, and Stripe's states from nothing done to all done."""

    labels: list[str]
    told: Told
    states: list[Footprint]
    violations: list[str]

    def last_write(self, where: str) -> int:
        """The number of the point before or after the last write to Stripe; 0 where there is none."""
        writes = [number for number, label in enumerate(self.labels, start=1) if is_write(label) and label.startswith(where)]
        return writes[-1] if writes else 0


def is_write(label: str) -> bool:
    return label.startswith(
        (f"{BEFORE_STRIPE} POST", f"{AFTER_STRIPE} POST", f"{BEFORE_STRIPE} DELETE", f"{AFTER_STRIPE} DELETE")
    )


@dataclass(frozen=True)
class Case:
    """What is swept: an operation itself, or the recovery of one whose process died before or after its write at Stripe."""

    operation: SweptOperation
    died: str = ""  # where the recovered one died: BEFORE_STRIPE or AFTER_STRIPE; "" sweeps the operation itself
    delay: timedelta = timedelta()  # until recovery begins

    @property
    def family(self) -> str:
        """Under which the figures count it."""
        return f"recovery of {self.operation.name}" if self.died else self.operation.name

    @property
    def name(self) -> str:
        if not self.died:
            return self.operation.name
        late = "late_" if self.delay > PATIENCE else ""
        return f"{late}recovery_of_{self.operation.name}_{'unsent' if self.died == BEFORE_STRIPE else 'unanswered'}"


CASES: tuple[Case, ...] = (
    *(Case(operation) for operation in OPERATIONS),
    *(Case(operation, died, PATIENCE) for operation in OPERATIONS for died in (BEFORE_STRIPE, AFTER_STRIPE)),
    *(Case(operation, AFTER_STRIPE, LATE_FOR_ALL) for operation in OPERATIONS),
)


def measure(operation: SweptOperation) -> Measured:
    """One undisturbed performance of an operation. Raises RuntimeError where it does not go as it should."""
    scene = Scene.set(operation)
    states = [scene.footprint()]

    def note(label: str) -> None:
        if label.startswith(AFTER_STRIPE):
            states.append(scene.footprint())
            disconnect()

    def perform() -> tuple[Performed, list[Footprint]]:
        return scene.perform(note), states

    performed, found = in_a_process(perform)
    if performed.told.status != operation.status:
        raise RuntimeError(f"An undisturbed {operation.name} was answered {performed.told}")
    return Measured(performed.labels, performed.told, found, performed.violations)


def set_scene(case: Case, undisturbed: Measured) -> Scene:
    """A fresh scene; for a recovery, after the process of the operation has died."""
    scene = Scene.set(case.operation)
    if not case.died:
        return scene
    in_a_process(lambda: scene.perform(at_point(undisturbed.last_write(case.died), die)))
    return RecoveryScene(**vars(scene))


def measure_recovery(case: Case, undisturbed: Measured) -> Measured:
    scene = set_scene(case, undisturbed)
    with scene.world:
        scene.world.move_clock(case.delay)
        performed: Performed = in_a_process(lambda: scene.perform(nothing))
    return Measured(performed.labels, undisturbed.told, undisturbed.states, performed.violations)
