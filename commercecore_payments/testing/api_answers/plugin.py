"""The pytest plugin that judges every answer that a test receives from the API (`-p` in pytest.ini).

What is not as the description has it fails the test in which it happened. Answers of services beside the tests are not seen.
"""

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

RESULT = "api_answers"  # the key under which a parallel process hands over its count
JUDGED = "judged"
MADE_UP = "made_up_events"  # the marker of tests whose events hold what nothing here writes


class Hearing:
    """What one process of the run has heard: how much, and what was wrong and is not told yet."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.untold: list[str] = []

    def take_problems(self) -> list[str]:
        taken, self.untold = self.untold, []
        return taken


_hearing = pytest.StashKey[Hearing]()
_total = pytest.StashKey[Counter[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    hearing = Hearing()
    session.config.stash[_hearing] = hearing
    session.config.stash[_total] = Counter()
    _listen(hearing)


def _listen(hearing: Hearing) -> None:
    """From now on every client of Django's, and so of REST framework's, is heard."""
    from django.test import Client  # noqa: PLC0415 - not set up yet when pytest loads its plugins

    from commercecore_payments.testing.api_answers.judge import Answer, is_of_the_api, problems  # noqa: PLC0415

    ask = Client.request

    def heard(client: Client, **request: Any) -> Any:
        response = ask(client, **request)
        path, method = str(request.get("PATH_INFO", "")), str(request.get("REQUEST_METHOD", "GET"))
        if is_of_the_api(path) and method != "HEAD":
            hearing.counts[JUDGED] += 1
            hearing.untold += problems(Answer(method, path, response.status_code, response.headers, response.content))
        return response

    Client.request = heard  # type: ignore[assignment, method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test that passed fails for what was wrong in it, or in what was set up for it."""
    result = yield
    found = item.config.stash[_hearing].take_problems()
    if found and item.get_closest_marker(MADE_UP) is None:
        pytest.fail("Not as the API's description has it:\n" + "\n".join(dict.fromkeys(found)), pytrace=False)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a test left behind that failed by itself is none of the next one's."""
    item.config.stash[_hearing].take_problems()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the count to the process that started this one; keeps its own where none did."""
    counts = session.config.stash[_hearing].counts
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[RESULT] = dict(counts)
    else:
        session.config.stash[_total].update(counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes the count of a parallel process; one that died hands over none."""
    node.config.stash[_total].update(getattr(node, "workeroutput", {}).get(RESULT, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"The API's description: {config.stash[_total][JUDGED]} answers judged")
