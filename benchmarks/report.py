"""The figures of all rounds, side by side, and whether they hold what is promised."""

from collections import defaultdict
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import Any

from benchmarks.load import Measurement

# What docs/reliability.md promises of a few connections, at 1,000 ms and 64 threads on 8 connections: of what a connection
# for every thread serves, and of what the wait alone allows.
OF_A_CONNECTION_EACH = 0.97
OF_THE_WAIT = 0.95
PROMISED_AT_S = 1.0
HELD, NOT_HELD = "held", "NOT held"


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of the comparison: the database connections of the process, and whether each is held during the call."""

    name: str
    connections: int
    holds: bool = False


@dataclass
class Report:
    """The rounds of `arms`: the few connections, one for each thread, and the few of which each is held."""

    arms: tuple[Arm, Arm, Arm]
    threads: int
    wait_s: float
    rounds: dict[Arm, list[Measurement]] = field(default_factory=lambda: defaultdict(list))

    def add(self, arm: Arm, measured: Measurement) -> None:
        self.rounds[arm].append(measured)

    @property
    def limit_per_s(self) -> float:
        """What the wait alone allows: every thread always waits for Stripe."""
        return self.threads / self.wait_s if self.wait_s else inf

    def ratio_to_a_connection_each(self, arm: Arm) -> float:
        """The median of the rounds, each beside the same round's: what slows the machine for a minute slows both."""
        full = self.rounds[self.arms[1]]
        return median(own.requests_per_s / its.requests_per_s for own, its in zip(self.rounds[arm], full, strict=True))

    def ratio_to_the_wait(self, arm: Arm) -> float:
        return self.median(arm, "requests_per_s") / self.limit_per_s

    def median(self, arm: Arm, figure: str) -> float:
        return median(getattr(measured, figure) for measured in self.rounds[arm])

    def failed(self, arm: Arm) -> int:
        return sum(measured.failed for measured in self.rounds[arm])

    def latest(self, arm: Arm) -> str:
        measured = self.rounds[arm][-1]
        return f"{measured.requests_per_s:.1f} requests/s, p99 {measured.p99_s * 1000:.0f} ms, {measured.failed} failed"

    def text(self) -> str:
        """The table, and a line for each promise."""
        head = _line("", "requests/s", "of a conn. each", "of the wait", "p50 ms", "p99 ms", "CPU ms", "failed")
        limit = _line("the wait alone allows", _or_dash(f"{self.limit_per_s:.2f}", if_any=self.wait_s))
        return "\n".join(["", head, *(self._row(arm) for arm in self.arms), limit, "", *self.promises()])

    def _row(self, arm: Arm) -> str:
        return _line(
            arm.name,
            f"{self.median(arm, 'requests_per_s'):.2f}",
            f"{self.ratio_to_a_connection_each(arm):.3f}",
            _or_dash(f"{self.ratio_to_the_wait(arm):.3f}", if_any=self.wait_s),
            f"{self.median(arm, 'p50_s') * 1000:.0f}",
            f"{self.median(arm, 'p99_s') * 1000:.0f}",
            f"{self.median(arm, 'cpu_s_per_request') * 1000:.2f}",
            str(self.failed(arm)),
        )

    def promises(self) -> list[str]:
        """A sentence for each; none at another wait than the promised one."""
        few = self.arms[0]
        if self.wait_s != PROMISED_AT_S:
            return []
        return [
            promise("of what a connection for every thread serves", self.ratio_to_a_connection_each(few), OF_A_CONNECTION_EACH),
            promise("of what the wait alone allows", self.ratio_to_the_wait(few), OF_THE_WAIT),
        ]

    @property
    def is_broken(self) -> bool:
        """Whether a promise is not held."""
        return any(sentence.startswith(NOT_HELD) for sentence in self.promises())

    def as_dict(self) -> dict[str, Any]:
        return {
            "limit_per_s": self.limit_per_s if self.wait_s else None,
            "arms": {
                arm.name: {
                    "connections": arm.connections,
                    "held": arm.holds,
                    "ratio_to_a_connection_each": self.ratio_to_a_connection_each(arm),
                    "ratio_to_the_wait": self.ratio_to_the_wait(arm),
                    "rounds": [measured.as_dict() for measured in self.rounds[arm]],
                }
                for arm in self.arms
            },
            "promises": self.promises(),
        }


def _line(name: str, *cells: str) -> str:
    return f"{name:38}" + "".join(f"{cell:>17}" for cell in cells[:3]) + "".join(f"{cell:>9}" for cell in cells[3:])


def _or_dash(figure: str, *, if_any: float) -> str:
    """A dash where Stripe is not waited for at all."""
    return figure if if_any else "-"


def promise(of_what: str, ratio: float, at_least: float) -> str:
    """A sentence such as `held: 0.991 of what the wait alone allows (at least 0.95)`."""
    return f"{HELD if ratio >= at_least else NOT_HELD}: {ratio:.3f} {of_what} (at least {at_least})"
