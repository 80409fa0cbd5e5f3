"""Every benchmark, one after the other, each in a process and on databases of its own: `python -m benchmarks`, or `make bench`.

Each prints its table of ratios, writes its figures to var/benchmarks/, and ends with 1 where a promise of docs/performance.md is
not held. At the end stands which did. `--quick` makes less of everything, to see that they run: its figures say nothing.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.workers import PROJECT_DIR


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A module of this package with its arguments, and those of its quick form."""

    module: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " ".join((self.module, *self.arguments))

    def run(self, *, is_quick: bool) -> bool:
        """Whether all that it promises was held."""
        more = (*self.quick, "--output", f"var/benchmarks/quick-{self.module}.json") if is_quick else ()
        command = [sys.executable, "-m", f"benchmarks.{self.module}", *self.arguments, *more]
        return subprocess.run(command, cwd=PROJECT_DIR, check=False).returncode == 0


BENCHMARKS = (
    Benchmark("request_cost", quick=("--rounds", "2")),
    Benchmark("waiting", ("--stripe-ms", "1000"), quick=("--seconds", "3", "--rounds", "1")),
    Benchmark(
        "waiting",
        ("--stripe-ms", "300", "--output", "var/benchmarks/waiting_300.json"),
        quick=("--seconds", "3", "--rounds", "1"),
    ),
    Benchmark(
        "waiting", ("--stripe-ms", "0", "--output", "var/benchmarks/waiting_0.json"), quick=("--seconds", "3", "--rounds", "1")
    ),
    Benchmark("webhooks_in", quick=("--events", "50", "--rounds", "2", "--payments", "5")),
    Benchmark("webhooks_out", quick=("--deliveries", "80", "--rounds", "1")),
    Benchmark("lists", quick=("--rows", "2000", "--rounds", "3")),
    Benchmark("admin_pages", quick=("--payments", "2000", "--rounds", "1")),
    Benchmark(
        "reconciliation",
        quick=(
            "--objects",
            "5000",
        ),
    ),
    Benchmark("start_up", quick=("--rounds", "1", "--requests", "50")),
    Benchmark("index_cost", quick=("--rounds", "1")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a promise was not held, or where a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less of everything: only to see that they run")
    parser.add_argument("--only", choices=sorted({one.module for one in BENCHMARKS}), help="this one alone")
    options = parser.parse_args(arguments)
    told = []
    for benchmark in BENCHMARKS:
        if options.only in (None, benchmark.module):
            print(f"\n== {benchmark.name}", flush=True)
            began = time.monotonic()
            held = benchmark.run(is_quick=options.quick)
            told.append((benchmark.name, held, time.monotonic() - began))
    print("\n== what is promised")
    for name, held, seconds in told:
        print(f"{'held' if held else 'NOT held':10}{seconds:7.0f} s  {name}")
    return 0 if all(held for _, held, _ in told) else 1


if __name__ == "__main__":
    sys.exit(main())
