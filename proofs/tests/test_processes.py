"""The processes of the proofs: none outlives the proof that started it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from proofs.processes import running

# A module that does what it is told: it waits for longer than any test.
WAITS = ("timeit", ["-n", "1", "import time; time.sleep(600)"])


class TestAProcessThatAProofStarts:
    def test_ends_with_its_block(self) -> None:
        with running(*WAITS) as process:
            assert process.poll() is None
        assert process.returncode == -signal.SIGTERM

    def test_ends_where_the_block_fails(self) -> None:
        with pytest.raises(ZeroDivisionError), running(*WAITS) as process:
            raise ZeroDivisionError
        assert process.returncode == -signal.SIGTERM

    def test_ends_at_a_signal_that_comes_while_it_is_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        started: list[subprocess.Popen[str]] = []
        start = subprocess.Popen

        def start_and_be_interrupted(*arguments: Any, **options: Any) -> Any:
            started.append(start(*arguments, **options))
            signal.raise_signal(signal.SIGTERM)
            return started[0]

        monkeypatch.setattr(subprocess, "Popen", start_and_be_interrupted)
        with exit_at_sigterm(), pytest.raises(SystemExit), running(*WAITS):
            pytest.fail("It was interrupted before.")
        assert started[0].returncode == -signal.SIGTERM


@contextmanager
def exit_at_sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
