"""`python -m commercecore_payments.testing.fuzz --cases 200`: plays made-up requests against a sandbox of its own.

All of schemathesis's checks but one, the judge of the tests, and every link of the description. It ends with 0 where nothing was
found, with 1 where something was, and with 2 where it could not be played.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import IO

from commercecore_payments.tests.service import PROJECT_DIR, environment_of_its_own, manage, serving

# In the published order an app's id is asked for first, with 400: our own check takes away the token alone.
REPLACED = "ignored_auth"
CHECKS = "commercecore_payments.testing.fuzz.checks"
SETTINGS = "commercecore_payments.settings"  # those of a real service
QUIET_AND_UNLIMITED = {"LOG_LEVEL": "ERROR", "RATE_LIMIT_PER_TOKEN": "0", "RATE_LIMIT_PER_APP": "0"}
# Of the description: among so many operations the cases are shared out.
OPERATIONS = 32
DEFAULT_CASES = 200
# Each operation is asked this often more by the phases that take no number: examples, edge cases, and walks along the links.
CONFIGURATION = """
headers = { X-Developer-Token = "${DEVELOPER_TOKEN}", X-App-ID = "${APP_ID}", X-User-ID = "usr_fuzz" }

[checks]
# The errors that the description names come with these; our own check refuses what nobody foresaw.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "500", "502", "503"]
# A sound request may be refused for what it asks; our own check refuses a complaint about its form.
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "402", "403", "404", "405", "409", "422", "429", "5xx"]
"""


def main(arguments: list[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m commercecore_payments.testing.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=DEFAULT_CASES, help="How many requests are made up, about.")
    parser.add_argument("--seconds", type=int, help="Goes on until so many have passed, instead of a number of cases.")
    parser.add_argument("--seed", type=int, help="The seed of an earlier run, which it printed.")
    parser.add_argument("--workers", type=int, default=2, help="How many requests are under way at once.")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, environment_of_its_own(Path(folder)) as environment:
        service = {**environment, "DJANGO_SETTINGS_MODULE": SETTINGS, **QUIET_AND_UNLIMITED}
        with serving(service) as (process, _):
            # Unread, what the service prints would fill the pipe, and hold up whoever prints.
            Thread(target=_read_to_the_end, args=(process.stdout,), daemon=True).start()
            return _play(asked, Path(folder), service)


def _play(asked: argparse.Namespace, folder: Path, service: Mapping[str, str]) -> int:
    tenant = json.loads(manage(dict(service), "manage.py", "create_demo_tenant", "--json"))
    description, configuration = folder / "openapi.json", folder / "schemathesis.toml"
    manage(dict(service), "manage.py", "spectacular", "--format", "openapi-json", "--file", str(description))
    configuration.write_text(CONFIGURATION)
    tenants = {"DEVELOPER_TOKEN": tenant["developer_token"], "APP_ID": tenant["app_id"]}
    variables = {**service, **tenants, "SCHEMATHESIS_HOOKS": CHECKS, "PYTHONPATH": str(PROJECT_DIR)}
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration), "run", str(description)]
    command += ["--url", f"http://127.0.0.1:{service['PORT']}", *_options(asked)]
    return subprocess.run(command, cwd=folder, env=variables, check=False).returncode


def _read_to_the_end(printed: IO[str]) -> None:
    for _ in printed:
        pass


def _options(asked: argparse.Namespace) -> list[str]:
    options = [
        "--checks",
        "all",
        "--exclude-checks",
        REPLACED,
        "--workers",
        str(asked.workers),
        "--continue-on-failure",
        "--warnings",
        "off",
    ]
    options += ["--max-examples", str(max(1, asked.cases // OPERATIONS))]
    options += ["--max-time", str(asked.seconds)] if asked.seconds else []
    return options + (["--seed", str(asked.seed)] if asked.seed is not None else [])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    sys.exit(main(sys.argv[1:]))
