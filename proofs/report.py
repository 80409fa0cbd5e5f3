"""What a part of the proof is asked, and what it tells: one table at the end, and the same as JSON in the output folder.

Each part is a module with one function, which `proofs.__main__` calls by its table PARTS:

    def prove(options: Options) -> Part: ...

It counts in `Part.played` what it played: a part that played nothing proves nothing. It may call
`options.tell(done, of, sentence)` for the progress line. Figures stand in the table as they are; each violation is a sentence
with what it takes to see it again.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent
# Beside the rest of what a running service makes for itself; git knows nothing of it.
OUTPUT_DIR = PROJECT_DIR / "var" / "proofs"
# Seeds of the simulation in each form: in the quick one about half a minute of them on two CPUs.
QUICK_SEEDS, SHORT_SEEDS, LONG_SEEDS = 20, 60, 2000
STEPS = 50


@dataclass(frozen=True, slots=True)
class Options:
    """How much is proven. `seed` names the only one to play.

    `is_long` is the form that takes its time, `is_quick` the one for every commit: few crash points, which `sample` chooses,
    few seeds, one round of each race, and all planted bugs.
    """

    is_long: bool = False
    is_quick: bool = False
    sample: int = 0
    seeds: int = SHORT_SEEDS
    first_seed: int = 1
    steps: int = STEPS
    seed: int | None = None
    processes: int = 2
    # Of the crash sweep: the only operation, and the only point of it.
    operation: str = ""
    point: int | None = None
    output_dir: Path = OUTPUT_DIR
    # Of the many processes, for how long they are struck.
    minutes: float | None = None

    @staticmethod
    def tell(done: int, of: int, sentence: str = "") -> None:
        """The progress line, on a terminal alone: a log keeps no lines that replace each other."""
        if sys.stderr.isatty():
            width = 24
            filled = width * done // max(of, 1)
            line = f"\r[{'#' * filled}{'.' * (width - filled)}] {done}/{of} {sentence[:80]}"
            print(line.ljust(120), end="\n" if done >= of else "", file=sys.stderr, flush=True)


@dataclass
class Part:
    """What one part of the proof came to.

    `played` is how many crash points, seeds, rounds or planted bugs were played, and `unplayed` why there were none.
    """

    name: str
    figures: dict[str, str | int | float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    played: int = 0
    unplayed: str = ""

    @property
    def is_green(self) -> bool:
        """Whether something was played, and nothing found."""
        return self.played > 0 and not self.violations


@contextmanager
def timed(part: Part) -> Iterator[Part]:
    """Notes how long the part took, in seconds."""
    started = time.monotonic()
    try:
        yield part
    finally:
        part.seconds = round(time.monotonic() - started, 1)


def table(parts: Iterable[Part]) -> str:
    """All figures, one a line, and the violations behind them."""
    lines: list[str] = []
    for part in parts:
        rows = {**part.figures, "violations": len(part.violations), "seconds": part.seconds}
        lines.append(part.name)
        lines += [f"  {name:<48} {value:>20}" for name, value in rows.items()]
        lines += [f"  VIOLATION {violation}" for violation in part.violations]
    return "\n".join(lines)


def write(parts: Iterable[Part], output_dir: Path, name: str) -> Path:
    """Keeps the figures as JSON; answers where."""
    output_dir.mkdir(parents=True, exist_ok=True)
    path = output_dir / f"{name}.json"
    told = {"written_at": datetime.now(UTC).isoformat(timespec="seconds"), "parts": [asdict(part) for part in parts]}  # noqa: TID251 - the day of the run, which nobody moves
    path.write_text(json.dumps(told, indent=2) + "\n")
    return path


def read(path: Path) -> list[Part]:
    """The figures that another process has written."""
    return [Part(**part) for part in json.loads(path.read_text())["parts"]]
