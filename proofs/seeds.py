"""Many seeds of the simulation at once, each process with a database of its own.

`python -m proofs.seeds FIRST STRIDE COUNT STEPS` is one of these processes: it plays its seeds and tells each as a line of JSON.
"""

import gc
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Any

from proofs.database import own_database, server_url
from proofs.processes import end_at_signals, running
from proofs.report import Options, Part, timed

Told = dict[str, Any]


def prove(options: Options) -> Part:
    """Plays the seeds, or the one that is named, and keeps the story of each that found something."""
    part = Part("simulation")
    first, count = (options.first_seed, options.seeds) if options.seed is None else (options.seed, 1)
    sums: dict[str, Counter[str]] = {"reviews": Counter(), "troubles": Counter(), "scenes": Counter(), "operations": Counter()}
    with timed(part):
        for done, told in enumerate(_play(first, count, options), start=1):
            for name, counter in sums.items():
                counter.update(told[name])
            part.violations += _violations(told, options)
            part.played = done
            options.tell(done, count, f"seeds; {len(part.violations)} violations")
    if part.played < count:
        part.violations.append(f"{count - part.played} of {count} seeds were not played")
    part.figures = {
        "seeds": part.played,
        "steps of each": options.steps,
        "writes to Stripe": sum(sums["operations"].values()),
        "faults, kills and pauses": sum(number for kind, number in sums["troubles"].items() if kind != "none"),
        "left to a person": sum(sums["reviews"].values()),
    }
    part.figures |= {f"scene: {kind}": number for kind, number in sorted(sums["scenes"].items())}
    part.figures |= {f"left to a person: {kind}": number for kind, number in sorted(sums["reviews"].items())}
    return part


def _violations(told: Told, options: Options) -> list[str]:
    if options.seed is not None:
        print("\n".join(told["log"]))
    if not told["findings"]:
        return []
    sentences = [f"{found['rule']}: {found['sentence']} [{found['subject']}]" for found in told["findings"]]
    path = _keep_story(told, sentences, options.output_dir)
    again = f"python -m proofs simulation --seed {told['seed']} --steps {told['steps']}"
    return [f"seed {told['seed']}: {sentence} ({again}; {path})" for sentence in sentences]


def _keep_story(told: Told, sentences: list[str], output_dir: Path) -> Path:
    output_dir.mkdir(parents=True, exist_ok=True)
    path = output_dir / f"seed-{told['seed']}.txt"
    path.write_text("\n".join([*told["log"], "", *sentences]) + "\n")
    return path


def _play(first: int, count: int, options: Options) -> Iterator[Told]:
    """What became of each seed, as the processes finish them. Raises RuntimeError where a process failed."""
    processes = max(1, min(options.processes, count))
    told: Queue[Told | None] = Queue()
    with ExitStack() as stack:
        workers = []
        for number in range(processes):
            asked = [str(each) for each in (first + number, processes, count - number, options.steps)]
            workers.append(stack.enter_context(running("proofs.seeds", asked, stdout=subprocess.PIPE)))
            Thread(target=_listen, args=[workers[-1].stdout, told], daemon=True).start()
        ended = 0
        while ended < processes:
            result = told.get()
            if result is None:
                ended += 1
            else:
                yield result
        if any(worker.wait() != 0 for worker in workers):
            raise RuntimeError("A process of the simulation failed; what it said stands above.")


def _listen(stream: IO[str] | None, told: "Queue[Told | None]") -> None:
    for line in stream or ():
        told.put(json.loads(line))
    told.put(None)


def work(first: int, stride: int, left: int, steps: int) -> None:
    """Plays every `stride`th seed from `first` on, of the `left` ones that are left from there."""
    url = server_url()
    # SQLite folds its journal in whenever its last connection closes, which the service does before each call of Stripe; one
    # more connection that stays open spares that.
    with own_database(url) as name, closing(sqlite3.connect(":memory:" if url else name)) as kept_open:
        kept_open.execute("PRAGMA schema_version")  # a connection is made by its first statement
        from proofs.simulation import run_seed  # noqa: PLC0415 - Django is set up by now

        gc.freeze()  # what is loaded by now stays, and is not looked through after each seed
        for seed in range(first, first + left, stride):
            print(json.dumps(run_seed(seed, steps=steps).as_dict()), flush=True)


if __name__ == "__main__":
    end_at_signals()
    work(*(int(argument) for argument in sys.argv[1:5]))
