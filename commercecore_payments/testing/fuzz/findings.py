"""What a run has seen: how much was asked, and each thing that was wrong, once."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

CASES, CHECKS, LINKS = "cases", "checks", "links"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was wrong: where, what, and the line that asks for it again."""

    operation: str
    title: str
    message: str
    curl: str

    @property
    def name(self) -> tuple[str, str]:
        """What two findings share that are the same one."""
        return (self.operation, self.title)

    def __str__(self) -> str:
        return f"{self.operation}: {self.title}\n{self.message}\n\n{self.curl}\n"


@dataclass(slots=True)
class Seen:
    """The numbers and the findings of a run, or of a part of it."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    def add(self, other: "Seen") -> None:
        self.counts.update(other.counts)
        for finding in other.findings.values():
            self.find(finding)

    def find(self, finding: Finding) -> None:
        """Of the same thing seen twice the shorter line is kept."""
        known = self.findings.get(finding.name)
        if known is None or len(finding.curl) < len(known.curl):
            self.findings[finding.name] = finding

    def __str__(self) -> str:
        numbers = f"{self.counts[CASES]} cases, {self.counts[CHECKS]} checks, {self.counts[LINKS]} links followed"
        return f"{numbers}, {len(self.findings)} findings"


def as_line(seen: Seen) -> str:
    """For the process that started this one; `from_line` reads it."""
    return json.dumps({"counts": seen.counts, "findings": [asdict(one) for one in seen.findings.values()]})


def from_line(line: str) -> Seen:
    told: dict[str, Any] = json.loads(line)
    findings = [Finding(**one) for one in told["findings"]]
    return Seen(Counter(told["counts"]), {one.name: one for one in findings})
