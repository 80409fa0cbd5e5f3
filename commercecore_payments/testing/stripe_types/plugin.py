"""The pytest plugin that judges all that the suite exchanges with Stripe (`-p` in pytest.ini).

What is wrong fails the test in which it happened. Every process of the run judges its own tests; the one that started
them adds up what they judged.
"""

from collections.abc import Generator
from typing import Any

import pytest

from commercecore_payments.testing.stripe_types.traffic import Traffic, listen_to_the_gateway, listen_to_the_sandbox

RESULT = "stripe_types"  # the key under which a parallel process hands over its counts
_traffic = pytest.StashKey[Traffic]()
_counts = pytest.StashKey[list[int]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts to listen. The process that starts others comes here first, and derives the description for all."""
    from django.conf import settings  # noqa: PLC0415 - not set up yet when pytest loads its plugins

    from commercecore_payments.testing.stripe_types.description import stored_description  # noqa: PLC0415

    traffic = Traffic(stored_description(settings.STATE_DIR))
    listen_to_the_sandbox(traffic)
    listen_to_the_gateway(traffic)
    session.config.stash[_traffic] = traffic
    session.config.stash[_counts] = [0, 0, 0]


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
    problems = item.config.stash[_traffic].take_problems()
    if problems:
        pytest.fail("Not as Stripe's types have it:\n" + "\n".join(dict.fromkeys(problems)), pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the counts to the process that started this one; adds its own where none did."""
    traffic = session.config.stash[_traffic]
    counts = [traffic.objects, traffic.requests, traffic.problems]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[RESULT] = counts
    else:
        _add(session.config, counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes the counts of a parallel process; one that died hands over none."""
    _add(node.config, getattr(node, "workeroutput", {}).get(RESULT, [0, 0, 0]))


def _add(config: pytest.Config, counts: list[int]) -> None:
    known: list[int] = config.stash[_counts]
    config.stash[_counts] = [before + new for before, new in zip(known, counts, strict=True)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was judged."""
    objects, requests, problems = config.stash[_counts]
    terminalreporter.write_line(f"Stripe's types: {objects} objects and {requests} requests judged, {problems} problems")
