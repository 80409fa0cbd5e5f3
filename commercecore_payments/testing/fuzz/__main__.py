"""`python -m commercecore_payments.testing.fuzz --cases 50000`: plays made-up requests against a sandbox of its own.

All of schemathesis's checks but one, the judge of the tests, and every link of the description. It ends with 0 where nothing was
found, with 1 where something was, and with 2 where it could not be played.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commercecore_payments.testing.fuzz.run import Run
from commercecore_payments.tests.service import environment_of_its_own, manage

SETTINGS = "commercecore_payments.settings"  # those of a real service
# The cases come from one token as fast as the machine makes them.
QUIET_AND_UNLIMITED = {"LOG_LEVEL": "CRITICAL", "RATE_LIMIT_PER_TOKEN": "0", "RATE_LIMIT_PER_APP": "0"}
DEFAULT_CASES = 200
# Seconds. A number of cases alone ends a run; this is longer than any lasts.
NO_LIMIT_S = 7 * 24 * 3600
FOUND, NOT_PLAYED = 1, 2


def main(arguments: list[str]) -> int:
    """The exit status."""
    asked = _asked(arguments)
    os.environ["TEST_POSTGRES_URL"] = asked.postgres_url
    with tempfile.TemporaryDirectory() as folder, environment_of_its_own(Path(folder)) as environment:
        variables = {**environment, "DJANGO_SETTINGS_MODULE": SETTINGS, **QUIET_AND_UNLIMITED}
        try:
            run = Run(asked.cases, asked.seconds, asked.seed, {**variables, **_tenant(variables)})
        except subprocess.CalledProcessError as error:
            print(error.stderr, file=sys.stderr)
            return NOT_PLAYED
        print(f"{'PostgreSQL' if asked.postgres_url else 'SQLite'}, seed {asked.seed}", flush=True)
        with ThreadPoolExecutor(asked.processes) as players:
            list(players.map(lambda _: run.play(), range(asked.processes)))
    return _told(run)


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m commercecore_payments.testing.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=DEFAULT_CASES, help="How many requests are made up, at least.")
    parser.add_argument("--seconds", type=int, default=NO_LIMIT_S, help="Ends after so many, however few the cases are.")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="The seed of an earlier run, which it printed.")  # noqa: S311 - no secret
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="How many requests are under way at once.")
    parser.add_argument(
        "--postgres-url",
        default=os.environ.get("TEST_POSTGRES_URL", ""),
        help="A PostgreSQL server, on which a database is made for the run; without one it runs on SQLite.",
    )
    return parser.parse_args(arguments)


def _tenant(variables: Mapping[str, str]) -> dict[str, str]:
    manage(dict(variables), "manage.py", "migrate", "--verbosity", "0")
    tenant = json.loads(manage(dict(variables), "manage.py", "create_demo_tenant", "--json"))
    return {"DEVELOPER_TOKEN": tenant["developer_token"], "APP_ID": tenant["app_id"]}


def _told(run: Run) -> int:
    for finding in run.seen.findings.values():
        print(f"\n{finding}")
    for problem in run.broken:
        print(f"\nA part broke off:\n{problem}")
    print(f"\n{run.summary()}")
    if run.seen.findings:
        return FOUND
    return NOT_PLAYED if run.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
