"""One part of a run, in a process of its own, so that what schemathesis and Hypothesis remember ends with it.

The service is asked inside this process, by WSGI: no connection, no second process. What was seen is printed line by line.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commercecore_payments.settings")
django.setup()
logging.disable(logging.WARNING)  # thousands of refusals are what is asked for

import schemathesis  # noqa: E402 - the checks need the settings
from schemathesis.config import SchemathesisConfig  # noqa: E402
from schemathesis.engine import Status, from_schema  # noqa: E402
from schemathesis.engine.events import EngineFinished, FatalError, NonFatalError, ScenarioFinished  # noqa: E402
from schemathesis.engine.recorder import ScenarioRecorder  # noqa: E402

import commercecore_payments.testing.fuzz.checks  # noqa: E402, F401 - schemathesis knows them once they are read
from commercecore_payments.openapi.described import all_operations  # noqa: E402
from commercecore_payments.openapi.document import document  # noqa: E402
from commercecore_payments.testing.fuzz.findings import CASES, CHECKS, LINKS, Finding, Seen, as_line  # noqa: E402
from commercecore_payments.wsgi import application  # noqa: E402

# In the published order an app's id is asked for first, with 400: our own check takes away the token alone.
REPLACED = "ignored_auth"
# The errors that the description names come with these; our own check refuses what nobody foresaw.
NO_SURPRISE = ["2xx", "3xx", "4xx", "500", "502", "503"]
# A sound request may be refused for what it asks; our own check refuses a complaint about its form.
REFUSED_FOR_WHAT_IT_ASKS = ["2xx", "400", "401", "402", "403", "404", "405", "409", "422", "429", "5xx"]
# About: a walk goes on for as long as a link leads somewhere, up to six requests.
CASES_OF_A_WALK = 6


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, required=True, help="How many requests are made up, at most and about.")
    parser.add_argument(
        "--seconds", type=int, required=True, help="How long it goes on at most; the scenario under way is ended."
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--phases", nargs="+", required=True, help="Those of schemathesis.")
    asked = parser.parse_args(arguments)
    total = 0
    until = time.monotonic() + asked.seconds
    for seen in _played(asked):
        total += seen.counts[CASES]
        print(as_line(seen), flush=True)
        if total >= asked.cases or time.monotonic() > until:
            # Threads of schemathesis's may be within a request; there is nothing that they could still tell.
            os._exit(0)


def _played(asked: argparse.Namespace) -> Iterator[Seen]:
    """What each scenario showed: the cases of one operation, or one walk along the links."""
    schema = schemathesis.openapi.from_dict(document(), config=SchemathesisConfig.from_dict(_configuration(asked)))
    schema.app = application
    for event in from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            yield _seen(event.recorder)
        elif isinstance(event, NonFatalError):
            yield _lone(Finding(event.label, f"schemathesis ended with {type(event.value).__name__}", str(event.info), ""))
        elif isinstance(event, FatalError):
            raise event.exception
        elif isinstance(event, EngineFinished):
            for failure in event.failures:
                yield _lone(Finding(str(failure.operation), failure.title, failure.message, ""))


def _lone(finding: Finding) -> Seen:
    return Seen(findings={finding.name: finding})


def _seen(recorder: ScenarioRecorder) -> Seen:
    seen = Seen()
    checks = [check for found in recorder.checks.values() for check in found]
    seen.counts[CASES] = len(recorder.interactions)
    seen.counts[CHECKS] = len(checks)
    seen.counts[LINKS] = sum(case.is_transition_applied for case in recorder.cases.values())
    for check in checks:
        if check.status == Status.FAILURE and check.failure_info is not None:
            failure = check.failure_info.failure
            seen.find(Finding(str(failure.operation), failure.title, failure.message, _line(check.failure_info.code_sample)))
    return seen


def _line(curl: str) -> str:
    """For a shell with the exports of `manage.py create_demo_tenant`, beside `make run`. Quotes are closed and opened again."""
    line = curl.replace("http://localhost", "http://127.0.0.1:8000")
    for name in ("DEVELOPER_TOKEN", "APP_ID"):
        line = line.replace(os.environ[name], f"'\"${name}\"'")
    return line


def _configuration(asked: argparse.Namespace) -> dict[str, Any]:
    each = max(1, asked.cases // len(all_operations()))
    walks = max(1, asked.cases // CASES_OF_A_WALK)
    return {
        "seed": asked.seed,
        # With a time schemathesis begins anew where Hypothesis gives walks up: what they meet is never again as it was.
        "max-time": asked.seconds,
        "workers": 1,
        "continue-on-failure": True,
        "headers": {
            "X-Developer-Token": os.environ["DEVELOPER_TOKEN"],
            "X-App-ID": os.environ["APP_ID"],
            "X-User-ID": "usr_fuzz",
        },
        "generation": {"database": "none", "max-examples": each},
        "phases": {
            "enabled": False,
            **{phase: {"enabled": True} for phase in asked.phases},
            "stateful": {"enabled": "stateful" in asked.phases, "generation": {"max-examples": walks}},
        },
        "checks": {
            REPLACED: {"enabled": False},
            "not_a_server_error": {"expected-statuses": NO_SURPRISE},
            "positive_data_acceptance": {"expected-statuses": REFUSED_FOR_WHAT_IT_ASKS},
        },
        "output": {"sanitization": {"enabled": False}},
    }


if __name__ == "__main__":
    main(sys.argv[1:])
