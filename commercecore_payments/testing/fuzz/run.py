"""A run: parts, one after another in each of some processes, until enough was asked."""

import subprocess
import sys
import time
from collections.abc import Mapping
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

from commercecore_payments.testing.fuzz.findings import CASES, Seen, from_line
from commercecore_payments.tests.service import PROJECT_DIR

PART = "commercecore_payments.testing.fuzz.part"
# Cases. What schemathesis remembers of so many are some 300 MB; a new process, for the next part, costs three seconds.
LONGEST_PART = 2_500
# What parts play in turn: each operation by itself, and walks along the links.
PHASES = (["fuzzing"], ["stateful"])
# The description's own examples, and the edge cases of all of it. They are the same some thousands whatever the seed is, so a run
# of so many cases begins with them, whole.
ENUMERATED = ["examples", "coverage"]
ENUMERATED_FROM = 10_000
# Seconds between two lines of progress.
PROGRESS_EVERY_S = 10
# Parts that break off in Hypothesis itself are taken up by the next seed; so many one after another are no chance.
BROKEN_IN_A_ROW = 3
# Letters of what a broken part printed last.
LONGEST_TOLD = 3_000


class Run:
    """What has been asked for, and what has been seen so far by all processes."""

    def __init__(self, cases: int, seconds: int, seed: int, environment: Mapping[str, str]) -> None:
        self.seen = Seen()
        self.broken: list[str] = []
        self._cases, self._environment = cases, environment
        self._started = self._told = time.monotonic()
        self._until = self._started + seconds
        self._seed, self._parts = seed, 0
        self._broken_in_a_row = 0
        self._lock = Lock()

    def play(self) -> None:
        """One process's work. Each part has a seed of its own, and the seeds of a run follow each other."""
        while self._missing() and time.monotonic() < self._until and self._broken_in_a_row < BROKEN_IN_A_ROW:
            self._play_part()

    def summary(self) -> str:
        seconds = time.monotonic() - self._started
        return f"{self.seen}, in {seconds:.0f} s: {self.seen.counts[CASES] / seconds:.0f} cases a second"

    def _missing(self) -> int:
        return max(0, self._cases - self.seen.counts[CASES])

    def _play_part(self) -> None:
        with self._lock:
            place, self._parts = self._parts, self._parts + 1
        seed = self._seed + place
        command = [sys.executable, "-m", PART, "--seed", str(seed), *self.part_at(place)]
        with TemporaryFile("w+") as log:
            with subprocess.Popen(
                command, cwd=PROJECT_DIR, env=dict(self._environment), stdout=subprocess.PIPE, stderr=log, text=True
            ) as part:
                for line in part.stdout or ():
                    self._take(line)
                    if not self._missing():
                        part.kill()
            self._end(seed, part.returncode, log)

    def part_at(self, place: int) -> list[str]:
        """The options of the part at this place of the run: how many cases, for how long, and what it plays."""
        seconds = str(max(1, round(self._until - time.monotonic())))
        if self._cases >= ENUMERATED_FROM:
            if place == 0:
                return ["--cases", str(self._cases), "--seconds", seconds, "--phases", *ENUMERATED]
            place -= 1
        cases = min(max(1, self._cases // 2), LONGEST_PART, self._missing() or 1)
        return ["--cases", str(cases), "--seconds", seconds, "--phases", *PHASES[place % len(PHASES)]]

    def _take(self, line: str) -> None:
        with self._lock:
            self.seen.add(from_line(line))
            if time.monotonic() - self._told > PROGRESS_EVERY_S:
                self._told = time.monotonic()
                print(self.summary(), flush=True)

    def _end(self, seed: int, status: int, log: IO[str]) -> None:
        """A negative status is that of a part that was ended here."""
        log.seek(0)
        with self._lock:
            self._broken_in_a_row = self._broken_in_a_row + 1 if status > 0 else 0
            if status > 0:
                self.broken.append(f"seed {seed}: {log.read()[-LONGEST_TOLD:].strip()}")
