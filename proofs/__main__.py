"""Proves that money moves exactly once: `python -m proofs [all|crash|simulation|races|deliveries|many|drift|mutations]`.

The exit status is 0 where something was played and no violation was found, 1 where one was found, and 2 where nothing was
played: the command line asks for what does not exist, or cannot be meant.
`simulation --seed N` plays one seed of the simulation again and tells its story.
`--quick` is the form for every commit; it plays other crash points each time, and says by which sample it chose them.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module

from proofs.command_line import ALL, Asked, read
from proofs.database import own_database, server_url
from proofs.processes import end_at_signals, running
from proofs.report import Options, Part, table, write
from proofs.report import read as read_figures

PROVEN, VIOLATED, NOTHING_PLAYED = 0, 1, 2
VERDICTS: Mapping[int, str] = {PROVEN: "Proven", VIOLATED: "VIOLATED", NOTHING_PLAYED: "NOTHING WAS PLAYED"}


@dataclass(frozen=True, slots=True)
class Run:
    """The module of a part, and which database it is called on: any, PostgreSQL, or none where it makes its own."""

    module: str
    database: str


PARTS: Mapping[str, Run] = {
    "crash": Run("proofs.crash_runs", "none"),
    "simulation": Run("proofs.seeds", "none"),
    "races": Run("proofs.races", "postgresql"),
    "deliveries": Run("proofs.deliveries", "postgresql"),
    "many": Run("proofs.many", "postgresql"),
    "drift": Run("proofs.drift", "postgresql"),
    "mutations": Run("proofs.mutations", "postgresql"),
}


# A caller of it waits for minutes for what a killed process has held: too long for every commit.
LEFT_OUT_OF_QUICK = frozenset({"many"})


def main(arguments: list[str]) -> int:
    """The exit status."""
    asked = read(arguments, __doc__)
    options = asked.options
    parts = _all(asked, options) if asked.part == ALL else [_one(asked.part, options)]
    path = write(parts, options.output_dir, asked.part)
    print(table(parts))
    status = _status(parts)
    print(f"\n{VERDICTS[status]}; the figures are in {path}", flush=True)
    for part in parts:
        if not part.played:
            print(f"{part.name}: nothing was played{f': {part.unplayed}' if part.unplayed else ''}", file=sys.stderr)
    return status


def _status(parts: list[Part]) -> int:
    if any(part.violations for part in parts):
        return VIOLATED
    return PROVEN if all(part.is_green for part in parts) else NOTHING_PLAYED


def _all(asked: Asked, options: Options) -> list[Part]:
    """Every part in a process of its own: Django is set up once a process, and each has a database of its own."""
    parts: list[Part] = []
    for name in PARTS:
        if options.is_quick and name in LEFT_OUT_OF_QUICK:
            continue
        print(f"\n{name}", flush=True)
        written = options.output_dir / f"{name}.json"
        written.unlink(missing_ok=True)
        status = _run(asked.arguments_for(name))
        failed = Part(name, violations=[f"it ended with status {status} and told nothing"])
        parts += read_figures(written) if written.exists() else [failed]
    return parts


def _run(arguments: list[str]) -> int:
    """The exit status of these proofs in a process of their own."""
    with running("proofs", arguments) as process:
        return process.wait()


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
    end_at_signals()
    sys.exit(main(sys.argv[1:]))
