"""Books that drift: everything that is planted is found, nothing else is told, and what can be mended without moving money is.

Sellers' books are made on both sides, to the cent. `manage.py reconcile` finds no difference in them. Then each kind of drift
is planted, several times each, and it runs again: killed in the middle and continued, then with --fix safe, then once more.
Beside the comparison the bare lists are read, page by page, by a process that compares nothing.

`python -m proofs.drift` is that process.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.database import join
from proofs.report import PROJECT_DIR, Options, Part, timed

if __name__ == "__main__":
    join()

from gateway.listing import pages
from proofs.drift_plants import plant_all
from proofs.drift_seeds import seed_books
from proofs.drift_soil import Planted
from reconciliation.models import Case, Proposal, Run
from reconciliation.running import OF_AN_ACCOUNT, accounts_of
from reconciliation.scope import Scope

# A line that somebody decides about; every other is mended at once.
FOR_A_PERSON = (Proposal.CORRECT, Proposal.REFUND, Proposal.LOOK)
# Kilobytes, as the kernel counts resident memory; what a comparison of many objects may take beyond one of few.
MOST_GROWTH_KB = 20_000
# Seconds between two looks how far a run has come that is to be killed.
LOOK_S = 0.05

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is compared, and how often each drift is planted."""

    accounts: int
    payments: int
    times: int


QUICK, NORMAL, LONG = Size(4, 200, 1), Size(10, 10_000, 3), Size(50, 100_000, 6)


@dataclass(frozen=True, slots=True)
class Compared:
    """What one run of the command told, and what it took: seconds, and kilobytes of memory at the most."""

    status: int
    found: dict[str, Any]
    seconds: float
    memory_kb: int

    @property
    def keys(self) -> set[Key]:
        return {(case["type"], case["kind"], case["object_id"]) for case in self.found["cases"]}

    @property
    def objects(self) -> int:
        return int(self.found["compared"]["total"])

    @property
    def objects_a_second(self) -> int:
        return round(self.objects / self.seconds)


def prove(options: Options) -> Part:
    """Plays it once, on the PostgreSQL that Django is set up on."""
    part = Part("drift")
    size = LONG if options.is_long else QUICK if options.is_quick else NORMAL
    with timed(part):
        _play(size, part, options)
    return part


def _play(size: Size, part: Part, options: Options) -> None:
    seeded = seed_books(accounts=size.accounts, payments=size.payments, seed=options.first_seed)
    options.tell(1, 6, "the books are made")
    small, whole = reconcile("--account", seeded.accounts[-1]), reconcile()
    part.played = whole.objects
    _judge_clean(part, small, whole)
    _tell_cost(part, small, whole)
    options.tell(2, 6, "they agree")
    planted = plant_all(seeded, times=size.times)
    wanted = {_key(one): one for one in planted}
    options.tell(3, 6, "drift is planted")
    _judge_found(part, "killed and continued", _killed_and_continued(part), wanted)
    options.tell(4, 6, "it was found")
    mended = reconcile("--fix", "safe")
    # A payment that is recorded only now may be the second of its order, which nobody could see before.
    _judge_found(part, "mending", mended, wanted, further=_known_by_mending(wanted))
    _judge_mended(part, mended)
    options.tell(5, 6, "and mended")
    _judge_rest(part, mended, reconcile("--fix", "safe"))
    part.figures |= {"planted": len(planted), "kinds of drift": len(planted) // size.times, **_outcome(mended)}


def _key(one: Planted) -> Key:
    return one.type, one.kind, one.object_id


def reconcile(*arguments: str) -> Compared:
    """Runs the command once, in a process of its own. Raises RuntimeError where it told nothing."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        began = time.monotonic()
        process = _start(*arguments, output=result)
        status, memory_kb = _ended(process)
        seconds = time.monotonic() - began
        if not result.exists():
            raise RuntimeError(f"manage.py reconcile ended with {status} and told nothing.")
        return Compared(status, json.loads(result.read_text()), seconds, memory_kb)


def _start(*arguments: str, output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "manage.py", "reconcile", *arguments, "--format", "json", "--output", str(output)]
    return subprocess.Popen(command, cwd=PROJECT_DIR)


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """The exit status, and the kilobytes that the process held at the most."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss


def _judge_clean(part: Part, *runs: Compared) -> None:
    for run in runs:
        part.violations += [f"told without any drift: {case['summary']} ({case['object_id']})" for case in run.found["cases"]]
        if run.status != 0:
            part.violations.append(f"books that agree ended with status {run.status}")


def _tell_cost(part: Part, small: Compared, whole: Compared) -> None:
    listed, seconds = bare_listing()
    part.figures |= {
        "objects compared": whole.objects,
        "objects a second": whole.objects_a_second,
        "objects a second, bare listing": round(listed / seconds),
        "comparison beside bare listing": round((whole.objects / whole.seconds) / (listed / seconds), 2),
        "memory of one account, MB": round(small.memory_kb / 1000, 1),
        "memory of all, MB": round(whole.memory_kb / 1000, 1),
    }
    if whole.memory_kb - small.memory_kb > MOST_GROWTH_KB:
        part.violations.append(f"memory grew by {whole.memory_kb - small.memory_kb} KB")


def bare_listing() -> tuple[int, float]:
    """How many objects the same lists have, and the seconds that a process of its own needs to read them."""
    began = time.monotonic()
    told = subprocess.run([sys.executable, "-m", "proofs.drift"], cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True, check=True)
    return int(told.stdout), time.monotonic() - began


def read_lists() -> int:
    """Reads every list that a comparison reads, and counts the objects."""
    read = sum(len(page) for path in ("/v1/accounts", "/v1/application_fees") for page in pages(path))
    for account in list(accounts_of(Scope())):
        for comparison in OF_AN_ACCOUNT:
            read += sum(len(page) for page in pages(comparison.path, account_id=account.stripe_account_id))
    return read


def _killed_and_continued(part: Part) -> Compared:
    """A run that is killed between its accounts, and the same command again."""
    with tempfile.TemporaryDirectory() as folder:
        process = _start(output=Path(folder) / "never.json")
        half = accounts_of(Scope())[accounts_of(Scope()).count() // 2].pk
        while process.poll() is None and not Run.objects.filter(status=Run.Status.RUNNING, last_account__gte=half).exists():
            time.sleep(LOOK_S)
        process.send_signal(signal.SIGKILL)
        _ended(process)
    continued = reconcile()
    run = Run.objects.get(pk=continued.found["run"])
    if run.resumed != 1:
        part.violations.append(f"a killed run was not continued, but begun anew: it was resumed {run.resumed} times")
    return continued


def _judge_found(part: Part, when: str, run: Compared, wanted: dict[Key, Planted], further: Iterable[Key] = ()) -> None:
    part.violations += [f"{when}: not found: {wanted[key].name} {key}" for key in wanted.keys() - run.keys]
    part.violations += [f"{when}: nobody planted {key}" for key in run.keys - wanted.keys() - set(further)]
    part.violations += [f"{when}: not told: {key}" for key in set(further) - run.keys]
    if run.status != 1:
        part.violations.append(f"{when}: it ended with status {run.status}")


def _known_by_mending(wanted: dict[Key, Planted]) -> set[Key]:
    """The orders of the second payments that no event told of."""
    unheard = [one.object_id for one in wanted.values() if one.name == "second_payment_unheard"]
    orders = Case.objects.filter(object_id__in=unheard).values_list("there__metadata__commercecore_order", flat=True)
    return {("probable_duplicate", "order", order) for order in orders}


def _judge_mended(part: Part, run: Compared) -> None:
    for case in run.found["cases"]:
        promised = "open" if case["proposal"] in FOR_A_PERSON else "mended"
        if case["state"] != promised:
            part.violations.append(
                f"it is {case['state']} and not {promised}: {case['type']} of {case['kind']} {case['object_id']}"
            )


def _judge_rest(part: Part, before: Compared, after: Compared) -> None:
    """What waits for a person is told again, and nothing else."""
    waiting = {(case["type"], case["kind"], case["object_id"]) for case in before.found["cases"] if case["state"] == "open"}
    part.violations += [f"once more: {key} came or went" for key in waiting ^ after.keys]


def _outcome(run: Compared) -> dict[str, int]:
    return {
        "found": run.found["differences"]["total"],
        "mended": run.found["mended"],
        "left for a person": run.found["left_open"],
    }


if __name__ == "__main__":
    print(read_lists())
