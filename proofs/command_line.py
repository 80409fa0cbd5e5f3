"""The command line of the proofs: what each part can be asked. What cannot be meant is refused with exit status 2."""

import argparse
import math
import secrets
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from proofs.names import TABLES, names_of
from proofs.report import LONG_SEEDS, OUTPUT_DIR, QUICK_SEEDS, SHORT_SEEDS, STEPS, Options

ALL = "all"
# How many samples of crash points the quick form chooses from: numbers that are short to type again.
SAMPLES = 10_000
# What each part can be asked; --output can be said to every one.
OPTIONS: Mapping[str, frozenset[str]] = {
    "crash": frozenset({"long", "quick", "sample", "operation", "point"}),
    "simulation": frozenset({"long", "quick", "seeds", "first_seed", "steps", "processes", "seed"}),
    "races": frozenset({"long", "quick", "first_seed", "operation", "seed"}),
    "deliveries": frozenset({"long", "quick", "first_seed"}),
    "many": frozenset({"long", "quick", "minutes", "first_seed"}),
    "drift": frozenset({"long", "quick", "first_seed"}),
    "mutations": frozenset({"operation"}),
}
# These take one thing out of one part.
OF_ONE_PART = frozenset({"operation", "point", "seed"})
# Those that play one thing alone, and what says how much is played otherwise.
ALONE: Mapping[str, frozenset[str]] = {
    "seed": frozenset({"long", "quick", "seeds", "first_seed", "processes"}),
    "point": frozenset({"long", "quick"}),
}
NEEDED: Mapping[str, str] = {"sample": "quick", "point": "operation"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A part, or ALL of them, and the options that were given."""

    part: str
    given: Mapping[str, Any]

    @property
    def options(self) -> Options:
        """All options, with the defaults of those that were not given."""
        plain = ("first_seed", "steps", "processes", "seed", "point", "minutes")
        return Options(
            is_long=self._is("long"),
            is_quick=self._is("quick"),
            sample=self.given.get("sample", secrets.randbelow(SAMPLES)),
            seeds=self.given.get("seeds", self._seeds()),
            operation=self.given.get("operation", ""),
            output_dir=self.given.get("output", OUTPUT_DIR),
            **{name: value for name, value in self.given.items() if name in plain},
        )

    def arguments_for(self, part: str) -> list[str]:
        """The command line that asks one of all parts for its share."""
        known = {name: value for name, value in self.given.items() if name in OPTIONS[part] or name == "output"}
        return [part, *(_flag(name) if value is True else f"{_flag(name)}={value}" for name, value in known.items())]

    def _is(self, form: str) -> bool:
        return bool(self.given.get(form))

    def _seeds(self) -> int:
        if self._is("long"):
            return LONG_SEEDS
        return QUICK_SEEDS if self._is("quick") else SHORT_SEEDS


class _Parser(argparse.ArgumentParser):
    def format_help(self) -> str:
        """With the names that --operation takes, which are looked up for those alone who ask."""
        named = "\n".join(f"{part}:\n{_listed(part)}" for part in TABLES)
        return f"{super().format_help()}\nThe names that --operation takes, by the part:\n\n{named}\n"


def _listed(part: str) -> str:
    # A line is as long as the project's own.
    return textwrap.fill(", ".join(names_of(part)), width=130, initial_indent="  ", subsequent_indent="  ")


def read(arguments: list[str], description: str | None) -> Asked:
    """Raises SystemExit(2) where it cannot be meant, with a sentence on stderr."""
    parser = _parser(description)
    given = vars(parser.parse_args(arguments))
    asked = Asked(given.pop("part"), given)
    _refuse_what_is_not_used(asked, parser.error)
    _refuse_unknown_operation(asked, parser.error)
    return asked


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m proofs",
        description=description,
        argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="?", default=ALL, choices=[ALL, *OPTIONS])
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--long", action="store_true", help="the form that takes its time")
    form.add_argument("--quick", action="store_true", help="the form for every commit")
    of_quick = "which crash points the quick form chooses; without it, other ones each time"
    parser.add_argument("--sample", type=_at_least(0), help=of_quick)
    how_many = f"of the simulation, how many: {SHORT_SEEDS}, {LONG_SEEDS} with --long, {QUICK_SEEDS} with --quick"
    parser.add_argument("--seeds", type=_at_least(1), help=how_many)
    parser.add_argument("--first-seed", type=_at_least(1), help="of the simulation, of the races and of the deliveries: 1")
    parser.add_argument("--steps", type=_at_least(1), help=f"of each seed of the simulation: {STEPS}")
    parser.add_argument("--processes", type=_at_least(1), help=f"that play the simulation: {Options().processes}")
    parser.add_argument("--minutes", type=_minutes, help="of the many processes: 2, 30 with --long, half a minute with --quick")
    alone = "of the simulation, plays this one alone and tells its story; of the races, the only round of each"
    parser.add_argument("--seed", type=_at_least(1), help=alone)
    only = "the only one: an operation that the crash sweep sweeps, a race, or a planted bug, by the names below"
    parser.add_argument("--operation", help=only)
    parser.add_argument("--point", type=_at_least(1), help="the only crash point of the --operation")
    parser.add_argument("--output", type=Path, help=f"the folder for the figures: {OUTPUT_DIR}")
    return parser


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"has to be at least {least}")
        return value

    return number


def _minutes(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("has to be above 0")
    return value


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _refuse_what_is_not_used(asked: Asked, refuse: Callable[[str], NoReturn]) -> None:
    known = OPTIONS[asked.part] if asked.part != ALL else frozenset.union(*OPTIONS.values()) - OF_ONE_PART
    for name in asked.given:
        if name not in {*known, "output"}:
            hint = ": name the part" if asked.part == ALL else ""
            refuse(f"{_flag(name)} is no option of {asked.part}{hint}")
        for other in ALONE.get(name, frozenset()):
            if other in asked.given:
                refuse(f"{_flag(name)} plays one {name} alone: {_flag(other)} does not go with it")
        if name in NEEDED and NEEDED[name] not in asked.given:
            refuse(f"{_flag(name)} needs {_flag(NEEDED[name])}")


def _refuse_unknown_operation(asked: Asked, refuse: Callable[[str], NoReturn]) -> None:
    if "operation" not in asked.given:
        return
    operation, known = asked.given["operation"], names_of(asked.part)
    if operation not in known:
        refuse(f"{asked.part} knows no operation '{operation}', but: {', '.join(known)}")
