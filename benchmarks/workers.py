"""The service's processes under load: started together, let go at one moment, and measured as one."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from benchmarks.arm import READY
from benchmarks.load import Measurement, together
from benchmarks.report import Arm

PROJECT_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Service:
    """What the processes are started with: the environment that all arms share, and what each process is asked.

    Connections are shared out to the processes as threads are: each has a pool of its own.
    """

    environment: dict[str, str]
    arguments: Sequence[str]
    workers: int
    log: Path

    def measure(self, arm: Arm) -> Measurement:
        """One round of one arm. Raises RuntimeError, with the end of what the processes wrote, where one fails."""
        with self.log.open("a") as log, ExitStack() as stack:
            started = [stack.enter_context(self._worker(arm, log)) for _ in range(self.workers)]
            outputs = self._let_go(started)
        return together([Measurement(**json.loads(output)) for output in outputs])

    def migrate(self) -> None:
        """Makes the tables. Raises RuntimeError where that fails."""
        with self.log.open("a") as log:
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            if subprocess.run(command, cwd=PROJECT_DIR, env=self.environment, stdout=log, stderr=log).returncode:
                raise self._failure()

    def _worker(self, arm: Arm, log: TextIO) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "benchmarks.arm", *self.arguments, *(["--hold"] if arm.holds else [])]
        environment = {**self.environment, "DATABASE_POOL_SIZE": str(arm.connections // self.workers)}
        return subprocess.Popen(
            command,
            cwd=PROJECT_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def _let_go(self, workers: list["subprocess.Popen[str]"]) -> list[str]:
        """What each process prints, after all were ready and began together."""
        if not all(worker.stdout is not None and worker.stdout.readline().strip() == READY for worker in workers):
            raise self._failure()
        for worker in workers:
            if worker.stdin is not None:
                worker.stdin.write("\n")
                worker.stdin.flush()
        outputs = [worker.communicate()[0] for worker in workers]
        if any(worker.returncode for worker in workers):
            raise self._failure()
        return outputs

    def _failure(self) -> RuntimeError:
        return RuntimeError(f"The service failed:\n{self.log.read_text()[-4000:]}")
