"""The proof of the proof: bugs are planted one by one, and the crash sweep, the races or the simulation has to notice each.

What noticed a bug is played again without it: there it must notice nothing.
"""

from dataclasses import dataclass

from proofs.crash_sweep import empty_database
from proofs.hunts import Hunt
from proofs.planted_bugs import BUGS, PlantedBug
from proofs.report import Options, Part, timed


@dataclass(frozen=True)
class Catch:
    """Where a bug was caught, after how many steps, and by what."""

    hunt: Hunt
    steps: int
    finding: str

    def __str__(self) -> str:
        return f"{self.hunt.place} {self.steps}"


def prove(options: Options) -> Part:
    """Plants every bug, or the one that is named, on the PostgreSQL that Django is set up on."""
    part = Part("mutations")
    bugs = [bug for bug in BUGS if options.operation in ("", bug.name)]
    caught: list[Catch] = []
    with timed(part):
        for done, bug in enumerate(bugs):
            options.tell(done, len(bugs), bug.name)
            found = hunt_down(bug)
            part.played += 1
            part.figures[bug.name] = str(found) if found else "NOT CAUGHT"
            if found is None:
                part.violations.append(f"{bug.name} was not caught (python -m proofs mutations --operation {bug.name})")
            else:
                caught.append(found)
        part.violations += false_alarms(caught)
    part.figures["planted bugs caught / planted"] = f"{len(caught)}/{len(bugs)}"
    return part


def hunt_down(bug: PlantedBug) -> Catch | None:
    """The first thing that notices the bug while it is planted; None where nothing does within its bounds."""
    with bug.plant():
        for hunt in bug.hunts:
            empty_database()
            found = _first_finding(hunt)
            if found is not None:
                return found
    return None


def _first_finding(hunt: Hunt) -> Catch | None:
    """A proof that cannot even be carried out has noticed something, too."""
    number, steps = 0, hunt.steps()
    while True:
        number += 1
        try:
            found = next(steps, None)
        except Exception as failure:  # noqa: BLE001 - whatever the bug breaks; false_alarms raises it where no bug is
            return Catch(hunt, number, f"{type(failure).__name__}: {failure}")
        if found is None:
            return None
        if found:
            return Catch(hunt, number, found[0])


def false_alarms(caught: list[Catch]) -> list[str]:
    """What is noticed where no bug is planted: each place is played again as far as it was needed."""
    furthest: dict[Hunt, int] = {}
    for catch in caught:
        furthest[catch.hunt] = max(catch.steps, furthest.get(catch.hunt, 0))
    alarms = []
    for hunt, steps in furthest.items():
        empty_database()
        for number, found in zip(range(1, steps + 1), hunt.steps(), strict=False):
            alarms += [f"without a planted bug, {hunt.place} {number}: {text}" for text in found]
    return alarms
