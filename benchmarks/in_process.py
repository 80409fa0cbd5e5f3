"""The service in this very process, on a database of its own: for what is measured without a web server."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import django

from benchmarks.database import temporary_database

# What of the shell's environment would make another service of it.
CONFIGURATION = ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_SANDBOX")


@contextmanager
def sandbox_service(options: argparse.Namespace) -> Iterator[None]:
    """Django with the sandbox, which alone may post to this machine, on a new database at `options.postgres_url`."""
    with ExitStack() as stack:
        os.environ["DATABASE_URL"] = stack.enter_context(temporary_database(options.postgres_url))
        os.environ["COMMERCECORE_STATE_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="commercecore-benchmark-"))
        os.environ |= {"LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "commercecore_payments.settings"}
        for name in CONFIGURATION:
            os.environ.pop(name, None)
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - Django is set up by now
        from django.db import connection  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        yield
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
