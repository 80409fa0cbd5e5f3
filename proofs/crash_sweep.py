"""The crash sweep: a process is killed at every point of every operation, and afterwards the books have to agree.

    python -m proofs crash                                     # a sample of the points
    python -m proofs crash --long                              # all of them, with every ending
    python -m proofs crash --quick                             # a few of them, other ones each time
    python -m proofs crash --operation confirm --point 17      # one point again

Real processes are killed by SIGKILL, each in the middle of a request for a fresh seller. Around calls of Stripe the connection
is lost as well, without a kill. Then one of four things happens, and every record has to come to its end.
"""

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from commercecore_payments.testing.emptying import empty
from gateway.models import OPEN_STATUSES, Kind, Operation
from gateway.models import Status as OperationStatus
from proofs.answers import Told
from proofs.crash_points import at_point, in_a_process
from proofs.fates import ENDINGS, FATES, fates
from proofs.footprint import Footprint, findings_at_rest, is_at_stripe
from proofs.report import Options, Part, timed
from proofs.scenes import CASES, PATIENCE, Case, Measured, Performed, Scene, is_write, measure, measure_recovery, set_scene
from proofs.swept_operations import SweptOperation

# Points that the short form plays: of an operation, besides those at its writes to Stripe; of a recovery.
SAMPLE, RECOVERY_SAMPLE = 3, 2
# Points that the quick form plays: of an operation or a recovery, anywhere; of an operation, at its writes to Stripe as well.
FEW, FEW_WRITES = 1, 2
# The database is emptied after so many plays: the sandbox looks through all that is due in it.
PLAYS_PER_DATABASE = 40
# These are never failed because they were not found: only Stripe's word, or a person's, closes them as not done.
NEVER_FAILED_BY_DEFAULT = (Kind.ACCOUNT_CREATE, Kind.PAYMENT_INTENT_CREATE, Kind.SETUP_INTENT_CREATE, Kind.REFUND_CREATE)


@dataclass(frozen=True)
class Play:
    """One point, what happens there, and what happens afterwards."""

    number: int
    label: str
    fate: str
    ending: str

    @property
    def point(self) -> tuple[int, str]:
        """What is counted: a place in the operation, and what can happen there."""
        return self.number, self.fate


@dataclass
class Sweep:
    """All plays of one case, and what they found."""

    case: Case
    undisturbed: Measured
    measured: Measured
    violations: list[str] = field(default_factory=list)

    def plays(self, *, is_whole: bool) -> list[Play]:
        everything = self._everything()
        if is_whole:
            return [Play(*point, ending) for point in everything for ending in ENDINGS]
        # Every case begins with another ending, so that no fate always meets the same one.
        endings = itertools.islice(itertools.cycle(ENDINGS), len(self.case.name) % len(ENDINGS), None)
        step = max(len(everything) // (RECOVERY_SAMPLE if self.case.died else SAMPLE), 1)
        sampled = [index % step == step // 2 for index in range(len(everything))]
        # A recovery has the writes of its operation, which are played there.
        always = [not self.case.died and is_write(label) for _, label, _ in everything]
        chosen = [point for point, *wanted in zip(everything, sampled, always, strict=True) if any(wanted)]
        return [Play(*point, next(endings)) for point in chosen]

    def few_plays(self, sample: int) -> list[Play]:
        """What the quick form plays: other points, fates and endings with each `sample`."""
        dice = random.Random(f"{sample} {self.case.name}")  # noqa: S311 - repeatable, guards nothing
        everything = self._everything()
        # A recovery has the writes of its operation, which are played there.
        writes = [] if self.case.died else [point for point in everything if is_write(point[1])]
        chosen = {*dice.sample(everything, FEW), *dice.sample(writes, min(FEW_WRITES, len(writes)))}
        return [Play(*point, dice.choice(list(ENDINGS))) for point in sorted(chosen)]

    def _everything(self) -> list[tuple[int, str, str]]:
        """Each point with each of its fates: its number, its label and the fate."""
        points = enumerate(self.measured.labels, start=1)
        return [(number, label, fate) for number, label in points for fate in fates(label)]

    def play(self, play: Play) -> list[str]:
        """What is wrong after it."""
        scene = set_scene(self.case, self.undisturbed)
        with scene.world:
            if self.case.delay:
                scene.world.move_clock(self.case.delay)
            performed: Performed | None = in_a_process(lambda: scene.perform(at_point(play.number, FATES[play.fate])))
            if performed is not None and play.fate == "killed":
                return [f"the point was not reached: {performed.told}"]
            problems = [] if performed is None else list(performed.violations)
            left = scene.footprint()
            told = ENDINGS[play.ending](scene)
            return problems + self._judge(scene, play, left, told)

    def _judge(self, scene: Scene, play: Play, left: Footprint, told: Told | None) -> list[str]:
        is_late = play.ending == "late" or self.case.delay > PATIENCE
        problems = [str(finding) for finding in scene.world.settle_down()]
        problems += [f"{one.kind} is {one.status}" for one in still_open(scene, is_late=is_late)]
        problems += [f"{one.kind} was failed by default" for one in failed_by_default(scene)]
        problems += findings_at_rest(scene.world)
        if told is not None:
            problems += self._judge_answer(scene, told, is_late=is_late)
        return problems + self._judge_effect(scene, left, is_repeated=told is not None, is_late=is_late)

    def _judge_answer(self, scene: Scene, told: Told, *, is_late: bool) -> list[str]:
        if is_late:
            return []
        expected = self.undisturbed.told
        problems = [f"the repeat was answered {told}, an undisturbed request {expected}"] if told != expected else []
        problems += [f"the repeat was told of {one}, which Stripe does not know" for one in told.ids if not is_at_stripe(one)]
        before = scene.footprint()
        again = scene.ask()
        if (again.status, again.body) != (told.status, told.body):
            problems.append(f"one more repeat was answered {again}, the one before {told}")
        if not again.is_replayed:
            problems.append("one more repeat was not answered with what was stored")
        if scene.footprint() != before:
            problems.append("one more repeat had an effect")
        return problems

    def _judge_effect(self, scene: Scene, left: Footprint, *, is_repeated: bool, is_late: bool) -> list[str]:
        found = scene.footprint()
        states = self.undisturbed.states
        if is_repeated and not is_late:
            allowed = [states[-1]]
        elif is_late and scene.method != "DELETE":  # a deletion is safe at any time
            allowed = [left, states[-1]] if is_repeated else [left]
        else:
            allowed = states
        return [] if found in allowed else [f"Stripe holds {found}, and not one of {allowed}"]


def still_open(scene: Scene, *, is_late: bool) -> Iterator[Operation]:
    """What should have come to its end. Only what was found too late may be left to a person."""
    for operation in Operation.objects.filter(status__in=OPEN_STATUSES, developer=scene.world.tenant.developer):
        if not (is_late and operation.status == OperationStatus.NEEDS_REVIEW):
            yield operation


def failed_by_default(scene: Scene) -> Iterator[Operation]:
    """What was closed as not done, though Stripe said nothing."""
    rejected = Operation.objects.filter(status=OperationStatus.REJECTED, http_status=None)
    yield from rejected.filter(kind__in=NEVER_FAILED_BY_DEFAULT, developer=scene.world.tenant.developer)


def sweep(case: Case, undisturbed: Measured) -> Sweep:
    """The sweep of a case, its points counted."""
    measured = measure_recovery(case, undisturbed) if case.died else undisturbed
    return Sweep(case, undisturbed, measured, [f"{case.name}: {text}" for text in measured.violations])


def prove(options: Options) -> Part:
    """Sweeps every operation and its recovery, and tells how many of all crash points were covered."""
    part = Part("crash sweep")
    cases = [case for case in CASES if options.operation in ("", case.name)]
    if options.is_quick:
        cases = one_of_each_family(cases, options.sample)
    with timed(part):
        undisturbed = dict(_measured({case.operation.name: case.operation for case in cases}, part))
        possible = [case for case in cases if case.operation.name in undisturbed]
        writing = [case for case in possible if not case.died or undisturbed[case.operation.name].last_write(case.died)]
        sweeps = [sweep(case, undisturbed[case.operation.name]) for case in writing]
        run(sweeps, part, options)
        if not part.played and not part.violations:
            part.unplayed = "; ".join(f"{each.case.name} has {len(each.measured.labels)} crash points" for each in sweeps)
            part.unplayed = part.unplayed or "what writes nothing to Stripe leaves nothing to recover"
    return part


def one_of_each_family(cases: list[Case], sample: int) -> list[Case]:
    """Every operation, and one of the recoveries of each: another one with another `sample`."""
    families: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        families[case.family].append(case)
    dice = random.Random(sample)  # noqa: S311 - repeatable, guards nothing
    return [dice.choice(family) for family in families.values()]


def _measured(operations: dict[str, SweptOperation], part: Part) -> Iterator[tuple[str, Measured]]:
    """The undisturbed performance of each operation. One that does not go as it should is a violation, and not swept."""
    for name, operation in operations.items():
        try:
            yield name, measure(operation)
        except RuntimeError as failure:
            part.violations.append(f"{name} could not be swept: {failure}")


def run(sweeps: list[Sweep], part: Part, options: Options) -> None:
    """Plays what the options ask for, and notes how many of all points were covered, operation by operation."""
    covered, points, plays = Counter[str](), Counter[str](), 0
    for done, each in enumerate(sweeps):
        is_whole = options.is_long or options.point is not None
        is_quick = options.is_quick and not is_whole
        chosen = each.few_plays(options.sample) if is_quick else each.plays(is_whole=is_whole)
        chosen = [play for play in chosen if options.point in (None, play.number)]
        part.violations += each.violations
        for number, play in enumerate(chosen):
            options.tell(done, len(sweeps), f"{each.case.name} {number}/{len(chosen)}; {len(part.violations)} violations")
            part.violations += [told_violation(each.case, play, problem) for problem in each.play(play)]
            plays += 1
            if plays % PLAYS_PER_DATABASE == 0:
                empty_database()
        covered[each.case.family] += len({play.point for play in chosen})
        points[each.case.family] += len({play.point for play in each.plays(is_whole=True)})
    part.figures |= {family: f"{covered[family]}/{points[family]}" for family in points}
    of_which = "counted" if options.is_quick else "all"
    part.figures |= {f"crash points covered / {of_which}": f"{covered.total()}/{points.total()}", "plays": plays}
    part.played = plays


def told_violation(case: Case, play: Play, problem: str) -> str:
    again = f"python -m proofs crash --operation {case.name} --point {play.number}"
    return f"{case.name}, {play.fate} {play.label}, {play.ending}: {problem} ({again})"


def empty_database() -> None:
    """All rows but those that the migrations wrote."""
    empty()
