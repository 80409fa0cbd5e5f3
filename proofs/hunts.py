"""Where a planted bug is looked for: a part of the proof, in the order in which it finds most, until something is found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from proofs import crash_sweep, races
from proofs.crash_sweep import Play, Sweep
from proofs.fates import ENDINGS
from proofs.scenes import CASES, is_write, measure

# What is played at most before a bug counts as not caught.
MOST_PLAYS, MOST_ROUNDS, MOST_SEEDS = 60, 20, 20


class Hunt(Protocol):
    """`steps` yields what each step found: an empty list where everything was as it should be."""

    @property
    def place(self) -> str: ...

    def steps(self) -> Iterator[list[str]]: ...


@dataclass(frozen=True)
class Crash:
    """The crash sweep of one case, around its writes to Stripe, with every fate and every ending."""

    case: str
    plays: int = MOST_PLAYS

    @property
    def place(self) -> str:
        return f"crash sweep of {self.case}, play"

    def steps(self) -> Iterator[list[str]]:
        case = next(case for case in CASES if case.name == self.case)
        undisturbed = measure(case.operation)
        sweep = crash_sweep.sweep(case, undisturbed)
        yield sweep.violations
        for play in _around_writes(sweep)[: self.plays]:
            yield sweep.play(play)


def _around_writes(sweep: Sweep) -> list[Play]:
    around = [play for play in sweep.plays(is_whole=True) if is_write(play.label)]
    return sorted(around, key=lambda play: list(ENDINGS).index(play.ending))


@dataclass(frozen=True)
class Race:
    """One race, round after round."""

    race: str
    rounds: int = MOST_ROUNDS

    @property
    def place(self) -> str:
        return f"race {self.race}, round"

    def steps(self) -> Iterator[list[str]]:
        race = next(race for race in races.RACES if race.name == self.race)
        for seed in range(1, self.rounds + 1):
            yield races.play(race, seed)


@dataclass(frozen=True)
class Simulation:
    """Seeds of the simulation, from the first on."""

    seeds: int = MOST_SEEDS

    @property
    def place(self) -> str:
        return "simulation, seed"

    def steps(self) -> Iterator[list[str]]:
        from proofs.simulation import run_seed  # noqa: PLC0415 - the other hunts do without

        for seed in range(1, self.seeds + 1):
            yield [str(finding) for finding in run_seed(seed).findings]
