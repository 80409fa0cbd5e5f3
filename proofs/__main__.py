"""Proves that money moves exactly once: `python -m proofs [all|crash|simulation|races|mutations]`.

The exit status is 0 only where no violation was found. `--seed N` plays one seed of the simulation again and tells its story.
`--quick` is the form for every commit; it plays other crash points each time, and says by which sample it chose them.
"""

import argparse
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from proofs.database import own_database, server_url
from proofs.report import (
    LONG_SEEDS,
    OUTPUT_DIR,
    PROJECT_DIR,
    QUICK_SEEDS,
    SHORT_SEEDS,
    STEPS,
    Options,
    Part,
    read,
    table,
    write,
)  # fmt: skip

# How many samples of crash points the quick form chooses from: numbers that are short to type again.
SAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Run:
    """The module of a part, and which database it is called on: any, PostgreSQL, or none where it makes its own."""

    module: str
    database: str


PARTS: Mapping[str, Run] = {
    "crash": Run("proofs.crash_runs", "none"),
    "simulation": Run("proofs.seeds", "none"),
    "races": Run("proofs.races", "postgresql"),
    "mutations": Run("proofs.mutations", "postgresql"),
}


def main(arguments: list[str]) -> int:
    """The exit status."""
    asked = _read(arguments)
    options = Options(
        is_long=asked.long,
        is_quick=asked.quick,
        sample=secrets.randbelow(SAMPLES) if asked.sample is None else asked.sample,
        seeds=asked.seeds or _seeds(asked),
        first_seed=asked.first_seed,
        steps=asked.steps,
        seed=asked.seed,
        processes=asked.processes,
        operation=asked.operation,
        point=asked.point,
        output_dir=asked.output,
    )
    parts = _all(arguments, options) if asked.part == "all" else [_one(asked.part, options)]
    path = write(parts, options.output_dir, asked.part)
    print(table(parts))
    green = all(part.is_green for part in parts)
    print(f"\n{'Proven' if green else 'VIOLATED'}; the figures are in {path}")
    return 0 if green else 1


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proofs", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=["all", *PARTS])
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--long", action="store_true", help="the form that takes its time")
    form.add_argument("--quick", action="store_true", help="the form for every commit")
    parser.add_argument("--sample", type=int, help="which crash points the quick form chooses; without it, other ones each time")
    parser.add_argument(
        "--seeds", type=int, help=f"how many: {SHORT_SEEDS}, {LONG_SEEDS} with --long, {QUICK_SEEDS} with --quick"
    )
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS, help="of each seed")
    parser.add_argument("--seed", type=int, help="plays this one alone, and tells its story")
    parser.add_argument("--operation", default="", help="the only one that the crash sweep sweeps")
    parser.add_argument("--point", type=int, help="the only one of its crash points")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=OUTPUT_DIR)
    return parser.parse_args(arguments)


def _seeds(asked: argparse.Namespace) -> int:
    if asked.long:
        return LONG_SEEDS
    return QUICK_SEEDS if asked.quick else SHORT_SEEDS


def _all(arguments: list[str], options: Options) -> list[Part]:
    """Every part in a process of its own: Django is set up once a process, and each has a database of its own."""
    passed_on = [argument for argument in arguments if argument != "all"]
    parts: list[Part] = []
    for name in PARTS:
        print(f"\n{name}", flush=True)
        written = options.output_dir / f"{name}.json"
        written.unlink(missing_ok=True)
        ended = subprocess.run([sys.executable, "-m", "proofs", name, *passed_on], cwd=PROJECT_DIR)
        failed = Part(name, violations=[f"it ended with status {ended.returncode} and told nothing"])
        parts += read(written) if written.exists() else [failed]
    return parts


def _one(name: str, options: Options) -> Part:
    run = PARTS[name]
    with _database(run.database):
        part: Part = import_module(run.module).prove(options)
        return part


@contextmanager
def _database(wanted: str) -> Iterator[None]:
    with ExitStack() as stack:
        if wanted == "none":
            stack.enter_context(nullcontext())
        elif wanted == "postgresql" and not server_url():
            from commercecore_payments.testing.postgresql import temporary_server  # noqa: PLC0415 - a development dependency

            stack.enter_context(own_database(stack.enter_context(temporary_server())))
        else:
            stack.enter_context(own_database(server_url()))
        yield


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
