"""One arm of `benchmarks.request_cost`, in a process of its own: it reads how many payments to make, and prints what they cost.

`smallest` is the view of `benchmarks.smallest_view`; `service` is the whole application, and `service-with-keys` the same with
an Idempotency-Key in each request. All speak to the same server over sockets. The environment names the database.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django

from benchmarks.load import CREATED, Application, Caller, create_payment

SMALLEST, SERVICE, SERVICE_WITH_KEYS = "smallest", "service", "service-with-keys"
# What `django-admin startproject` writes.
MIDDLEWARE_OF_A_NEW_PROJECT = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Seconds: longer than any answer of the server beside it takes.
TIMEOUT_S = 60.0


def main() -> None:
    """Reads a number of payments from each line, makes them one after the other, and prints the figures as JSON."""
    name, address = sys.argv[1:]
    made = 0
    with smallest(address) if name == SMALLEST else service(address) as (application, caller):
        for line in sys.stdin:
            count = int(line)
            figures = measure(application, caller, range(made, made + count), with_keys=name == SERVICE_WITH_KEYS)
            made += count
            print(json.dumps(figures), flush=True)


def measure(application: Application, caller: Caller, numbers: range, *, with_keys: bool) -> dict[str, float]:
    """Milliseconds of this process's CPU and SQL statements, each a request. Raises RuntimeError where one was refused."""
    with statements_counted() as count:
        before = time.process_time()
        for number in numbers:
            status = create_payment(application, caller, seller=caller.sellers[0], order_id=f"order-{number}", with_key=with_keys)
            if status != CREATED:
                raise RuntimeError(f"A payment was answered with {status}.")
        cpu_s = time.process_time() - before
    return {"cpu_ms": cpu_s * 1000 / len(numbers), "statements": count() / len(numbers)}


@contextmanager
def statements_counted() -> Iterator[Callable[[], int]]:
    """While open, counts the statements that this thread sends. Django sends BEGIN and COMMIT past this counter."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now, and not earlier

    counted = 0

    def count(execute: Callable[..., Any], *statement: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(*statement)

    with connection.execute_wrapper(count):
        yield lambda: counted


@contextmanager
def smallest(address: str) -> Iterator[tuple[Application, Caller]]:
    """The smallest view, as `startproject` sets it up, and with the same pool of checked connections as the service."""
    from django.conf import settings  # noqa: PLC0415

    from commercecore_payments.environment_variables import EnvironmentVariables  # noqa: PLC0415

    database = EnvironmentVariables().db_url_config(os.environ["DATABASE_URL"])
    pooled = {**database, "CONN_HEALTH_CHECKS": True, "OPTIONS": {"pool": {"min_size": 1, "max_size": 8}}}
    settings.configure(
        DATABASES={"default": pooled},
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY=secrets.token_hex(),
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "rest_framework",
        ],
        MIDDLEWARE=MIDDLEWARE_OF_A_NEW_PROJECT,
        ROOT_URLCONF="benchmarks.smallest_view",
        STRIPE_SECRET_KEY=os.environ["STRIPE_SECRET_KEY"],
        STRIPE_ADDRESS=address,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    import stripe  # noqa: PLC0415
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    from benchmarks import smallest_view  # noqa: PLC0415

    stripe.enable_telemetry = False
    caller = Caller(token=secrets.token_hex(), app_id="", sellers=["acct_smallest"])
    smallest_view.make_tables(caller.token)
    yield get_wsgi_application(), caller


@contextmanager
def service(address: str) -> Iterator[tuple[Application, Caller]]:
    """The whole application, with its own transport, as a WSGI server loads it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "commercecore_payments.settings"
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from benchmarks import slow_stripe  # noqa: PLC0415
    from benchmarks.arm import make_caller  # noqa: PLC0415
    from commercecore_payments.wsgi import application  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    with slow_stripe.stripe_is(slow_stripe.RedirectedClient(address, timeout_s=TIMEOUT_S)):
        yield application, make_caller(sellers=1)


if __name__ == "__main__":
    main()
