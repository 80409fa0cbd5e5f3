"""The pytest plugin that judges all that the suite exchanges with Stripe (`-p` in pytest.ini).

What is wrong fails the test in which it happened, in its own process or in a service that it asked. Every process of the
run judges its own tests; the one that started them adds up what they judged.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from commercecore_payments.testing.stripe_types.judge import Problems
from commercecore_payments.testing.stripe_types.services import FOLDER_VARIABLE, reading_from
from commercecore_payments.testing.stripe_types.traffic import OBJECTS, REQUESTS, Traffic, listen

RESULT = "stripe_types"  # the key under which a parallel process hands over its counts
PROBLEMS, IN_SERVICES = "problems", " in services"  # further counts, beside what was judged


class Tally:
    """What one process of the run judged, and what was judged in the services beside it."""

    def __init__(self, from_services: Callable[[], Iterator[tuple[str, Problems]]]) -> None:
        self.counts: Counter[str] = Counter()
        self._untold: Problems = []
        self._from_services = from_services

    def keep(self, judged: str, problems: Problems) -> None:
        """Counts a verdict, and keeps what was wrong until somebody takes it."""
        self.counts[judged] += 1
        self.counts[PROBLEMS] += len(problems)
        self._untold += problems

    def take_problems(self) -> Problems:
        """What was wrong since this was last asked, here and in the services."""
        for judged, problems in self._from_services():
            self.counts[judged + IN_SERVICES] += 1
            self.keep(judged, problems)
        taken, self._untold = self._untold, []
        return taken


_tally = pytest.StashKey[Tally]()
_total = pytest.StashKey[Counter[str]]()
_late = pytest.StashKey[Problems]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts to listen. The process that starts others comes here first, and derives the description for all."""
    from django.conf import settings  # noqa: PLC0415 - not set up yet when pytest loads its plugins

    from commercecore_payments.testing.stripe_types.description import stored_description  # noqa: PLC0415

    folder = Path(tempfile.mkdtemp(prefix="services-", dir=settings.STATE_DIR))
    os.environ[FOLDER_VARIABLE] = str(folder)  # the services inherit it
    tally = Tally(reading_from(folder))
    listen(Traffic(stored_description(settings.STATE_DIR), tally.keep))
    session.config.stash[_tally] = tally
    session.config.stash[_total] = Counter()
    session.config.stash[_late] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that passed fails for what was wrong in it, or in what was set up for it."""
    result = yield
    _fail_for_problems(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """The same for what happened while it was taken down, or in a test that failed by itself."""
    result = yield
    _fail_for_problems(item)
    return result


def _fail_for_problems(item: pytest.Item) -> None:
    problems = item.config.stash[_tally].take_problems()
    if problems:
        pytest.fail("Not as Stripe's types have it:\n" + "\n".join(dict.fromkeys(problems)), pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the counts to the process that started this one; adds its own where none did.

    A run in which something was wrong fails, even where no test was there any more to fail for it: a service may say so late.
    """
    tally = session.config.stash[_tally]
    late = tally.take_problems()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[RESULT] = {"counts": dict(tally.counts), "late": late}
        return
    _add(session.config, tally.counts, late)
    if session.config.stash[_total][PROBLEMS] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes the counts of a parallel process; one that died hands over none."""
    _add(node.config, **getattr(node, "workeroutput", {}).get(RESULT, {"counts": {}, "late": []}))


def _add(config: pytest.Config, counts: Mapping[str, int], late: Problems) -> None:
    config.stash[_total].update(counts)
    config.stash[_late].extend(late)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was judged, and what was wrong beside all tests."""
    late: Problems = config.stash[_late]
    for problem in dict.fromkeys(late):
        terminalreporter.write_line(f"Not as Stripe's types have it, after the last test: {problem}", red=True)
    total = config.stash[_total]
    in_services = f"of them {total[OBJECTS + IN_SERVICES]} and {total[REQUESTS + IN_SERVICES]} in services beside the tests"
    terminalreporter.write_line(
        f"Stripe's types: {total[OBJECTS]} objects and {total[REQUESTS]} requests judged ({in_services}), "
        f"{total[PROBLEMS]} problems"
    )
