"""The processes that a proof starts: they end with it, however it ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from proofs.report import PROJECT_DIR

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# What a shell reports for a program that a signal ended, less the signal's number.
ENDED_BY_SIGNAL = 128
# Seconds in which a process drops its database and stops the server that it has started, on a machine that is busy.
LONGEST_END_S = 30


@contextmanager
def running(module: str, arguments: Sequence[str], *, stdout: int | None = None) -> Iterator["subprocess.Popen[str]"]:
    """`python -m module arguments` while open, told by SIGTERM to end at the end; killed where it does not."""
    process: subprocess.Popen[str] | None = None
    try:
        with _signals_held_back():  # one that came before the process is known here would leave it behind
            process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=PROJECT_DIR, stdout=stdout, text=True)
        yield process
    finally:
        if process is not None:
            _end_process(process)


def _end_process(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(LONGEST_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """A signal that comes while this is open does its work afterwards. For the main thread alone, like all of `signal`."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)


def end_at_signals() -> None:
    """From now on SIGTERM and Ctrl-C end this process as `sys.exit` does: what it has opened is closed."""
    for number in ENDING_SIGNALS:
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    for each in ENDING_SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # a terminal's Ctrl-C is followed by a parent's SIGTERM: what closes goes on
    sys.exit(ENDED_BY_SIGNAL + number)
