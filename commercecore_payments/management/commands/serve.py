"""`manage.py serve`: prepares the database and becomes the web server, with a worker beside it. `make run` calls it."""

import json
import os
import shlex
import socket
import sys
from io import StringIO
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from commercecore_payments.demo import create_demo_tenant
from commercecore_payments.management.database import refuse_unreachable_database


class Command(BaseCommand):
    help = "Migrates the database, creates the admin and (in the sandbox) a demo tenant, and serves on PORT, with a worker."

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        _refuse_taken_port()
        refuse_unreachable_database()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("create_admin", stdout=StringIO())
        # Empty without collectstatic, and then whitenoise finds the files in their packages; it warns where it is missing.
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        os.environ["COMMERCECORE_READY_MESSAGE"] = _ready_message()
        os.environ["COMMERCECORE_START_WORKER"] = "1"
        connections.close_all()
        # gunicorn takes the place of this process, so that one process id stands for the service from beginning to end.
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"])  # noqa: S606


def _refuse_taken_port() -> None:
    """gunicorn itself would try for five seconds and then fill the screen."""
    address = (os.environ.get("BIND_ADDRESS") or "127.0.0.1", settings.PORT)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was left a moment ago is free
        try:
            probe.bind(address)
        except OSError as error:
            raise CommandError(
                f"Port {settings.PORT} cannot be used ({error.strerror}): choose another, PORT=8001 make run."
            ) from error


def _ready_message() -> str:
    """What is printed as soon as the service listens: where everything is, and a first call to paste."""
    base = settings.PUBLIC_BASE_URL
    database = "PostgreSQL" if settings.DATABASE_URL else f"SQLite in {settings.STATE_DIR}"
    lines = [
        "",
        f"CommerceCore Payments listens on port {settings.PORT} (Stripe: {settings.STRIPE_ENVIRONMENT}, database: {database}).",
        "",
        f"  Landing page  {base}/",
        f"  Admin         {base}/admin/  {_admin_login()}",
        f"  API           {base}/api/v1",
        *([f"  Checkout      {base}/sandbox/checkout"] if settings.STRIPE_SANDBOX else ()),
        "",
        *(_first_call(base) if settings.STRIPE_SANDBOX else ()),
        f"Ctrl-C stops it, and so does: kill {os.getpid()}",
        "",
    ]
    return "\n".join(lines)


def _admin_login() -> str:
    """The name and the password, as far as the password is a generated one that still holds."""
    name = settings.ADMIN_USERNAME
    if os.environ.get("ADMIN_PASSWORD"):
        return f"user {name}, with ADMIN_PASSWORD as it was when the user was created"
    if not get_user_model()._default_manager.get(username=name).check_password(settings.ADMIN_PASSWORD):
        return f"user {name}, with the password that was chosen since"
    if not settings.STRIPE_SANDBOX:
        return f"user {name}, with the password in {settings.STATE_DIR}/secrets.json"
    return f"user {name}, password {settings.ADMIN_PASSWORD}"


def _first_call(base: str) -> list[str]:
    """The demo tenant's first call of the API. A tenant and an unpaid order are made for it."""
    demo = create_demo_tenant()
    headers = {
        "Content-Type": "application/json",
        "X-Developer-Token": demo.developer_token,
        "X-App-ID": demo.app_id,
        "X-User-ID": demo.user_id,
    }
    body = json.dumps({"order_id": demo.order_id})
    call = ["curl", "-X", "POST", f"{base}/api/v1/transactions"]
    call += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    return ["Create a transaction for an order of the demo tenant:", "", shlex.join([*call, "-d", body]), ""]
