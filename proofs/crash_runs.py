"""The crash sweep on both databases at once, each in a process of its own.

`python -m proofs.crash_runs WRITTEN URL OPTIONS` is one of these processes: it sweeps on a database of its own, at the
PostgreSQL server of the URL or on SQLite where that is empty, and writes its figures.
"""

import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from proofs.database import own_database, server_url
from proofs.report import PROJECT_DIR, Options, Part, read, timed, write

SQLITE, POSTGRESQL = "sqlite", "postgresql"


def prove(options: Options) -> Part:
    """Sweeps on SQLite and on PostgreSQL: the server of the environment, else one that is started for the occasion."""
    whole = Part("crash sweep", {"chosen by --sample": options.sample} if options.is_quick else {})
    with timed(whole), ExitStack() as stack:
        url = server_url() or _temporary_server(stack)
        started = {name: _start(name, address, options) for name, address in ((SQLITE, ""), (POSTGRESQL, url))}
        for name, process in started.items():
            status = process.wait()
            _add(whole, name, status, options)
    return whole


def _temporary_server(stack: ExitStack) -> str:
    """Its URL; it stops with the stack."""
    from commercecore_payments.testing.postgresql import temporary_server  # noqa: PLC0415 - a development dependency

    return stack.enter_context(temporary_server())


def _start(name: str, url: str, options: Options) -> "subprocess.Popen[bytes]":
    asked = json.dumps({**asdict(options), "output_dir": str(options.output_dir)})
    return subprocess.Popen([sys.executable, "-m", "proofs.crash_runs", name, url, asked], cwd=PROJECT_DIR)


def _add(whole: Part, name: str, status: int, options: Options) -> None:
    written = options.output_dir / f"crash-{name}.json"
    if status != 0 or not written.exists():
        whole.violations.append(f"{name}: the sweep ended with status {status}")
        return
    [part] = read(written)
    whole.figures |= {f"{name}: {figure}": value for figure, value in part.figures.items()}
    whole.violations += [f"{name}: {violation}" for violation in part.violations]


def work(name: str, url: str, asked: str) -> None:
    read_back = json.loads(asked)
    options = Options(**{**read_back, "output_dir": Path(read_back["output_dir"])})
    (options.output_dir / f"crash-{name}.json").unlink(missing_ok=True)
    with own_database(url):
        from proofs.crash_sweep import prove as sweep  # noqa: PLC0415 - Django is set up by now

        write([sweep(options)], options.output_dir, f"crash-{name}")


if __name__ == "__main__":
    work(*sys.argv[1:4])
