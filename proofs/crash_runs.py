"""The crash sweep on both databases at once, each in a process of its own.

`python -m proofs.crash_runs WRITTEN URL OPTIONS` is one of these processes: it sweeps on a database of its own, at the
PostgreSQL server of the URL or on SQLite where that is empty, and writes its figures.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from proofs.database import own_database, server_url
from proofs.processes import end_at_signals, running
from proofs.report import Options, Part, read, timed, write

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def prove(options: Options) -> Part:
    """Sweeps on SQLite and on PostgreSQL: the server of the environment, else one that is started for the occasion."""
    whole = Part("crash sweep", {"chosen by --sample": options.sample} if options.is_quick else {})
    with timed(whole), ExitStack() as stack:
        url = server_url() or _temporary_server(stack)
        asked = json.dumps({**asdict(options), "output_dir": str(options.output_dir)})
        started = {
            name: stack.enter_context(running("proofs.crash_runs", [name, address, asked]))
            for name, address in ((SQLITE, ""), (POSTGRESQL, url))
        }
        swept = {name: part for name, process in started.items() if (part := _swept(whole, name, process.wait(), options))}
        add(whole, swept, options)
    return whole


def _temporary_server(stack: ExitStack) -> str:
    """Its URL; it stops with the stack."""
    from commercecore_payments.testing.postgresql import temporary_server  # noqa: PLC0415 - a development dependency

    return stack.enter_context(temporary_server())


def _swept(whole: Part, name: str, status: int, options: Options) -> Part | None:
    """What a process has told; None where it failed, which is a violation."""
    written = options.output_dir / f"crash-{name}.json"
    if status != 0 or not written.exists():
        whole.violations.append(f"{name}: the sweep ended with status {status}")
        return None
    [part] = read(written)
    return part


def add(whole: Part, swept: Mapping[str, Part], options: Options) -> None:
    """Joins what the databases told."""
    for name, part in swept.items():
        whole.figures |= {f"{name}: {figure}": value for figure, value in part.figures.items()}
        whole.violations += [f"{name}: {violation}" for violation in part.violations]
    # An operation may have more crash points on one database: a named point is played where it exists.
    enough = any if options.point is not None else all
    if enough(part.played for part in swept.values()):
        whole.played = sum(part.played for part in swept.values())
    else:
        whole.unplayed = "; ".join(f"{name}: {part.unplayed}" for name, part in swept.items() if part.unplayed)


def work(name: str, url: str, asked: str) -> None:
    read_back = json.loads(asked)
    options = Options(**{**read_back, "output_dir": Path(read_back["output_dir"])})
    (options.output_dir / f"crash-{name}.json").unlink(missing_ok=True)
    with own_database(url):
        from proofs.crash_sweep import prove as sweep  # noqa: PLC0415 - Django is set up by now

        write([sweep(options)], options.output_dir, f"crash-{name}")


if __name__ == "__main__":
    end_at_signals()
    work(*sys.argv[1:4])
