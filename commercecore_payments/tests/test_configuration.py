"""What the environment may hold, and what is refused in one sentence."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commercecore_payments.checks import (
    a_live_key_has_postgresql,
    secrets_are_configured_beside_a_live_key,
    stripes_webhook_secrets_are_configured,
)
from commercecore_payments.tests.service import PROJECT_DIR
from developers.models import DeveloperToken
from developers.tests.factories import make_token


def manage(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command of manage.py with nothing but `variables` configured."""
    environment = {"PATH": os.environ["PATH"], "COMMERCECORE_STATE_DIR": str(folder), **variables}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=60)


REFUSED = [
    ({"PORT": "abc"}, "PORT has to be a whole number."),
    ({"PORT": ""}, "PORT has to be a whole number."),
    ({"PORT": "65536"}, "PORT has to be between 1 and 65535."),
    ({"PORT": "0"}, "PORT has to be between 1 and 65535."),
    ({"STRIPE_TIMEOUT_S": "soon"}, "STRIPE_TIMEOUT_S has to be a number."),
    ({"DATABASE_URL": "postgres://127.0.0.1/x", "DATABASE_POOL_SIZE": "many"}, "DATABASE_POOL_SIZE has to be a whole number."),
    ({"RECONCILE_NIGHTLY_AT": "03:00+02:00"}, "RECONCILE_NIGHTLY_AT has to be a time of day in UTC such as 03:00, or empty."),
    ({"COMMERCECORE_JWT_KEYS": "{secret"}, "COMMERCECORE_JWT_KEYS has to be JSON."),
    (
        {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_SANDBOX": "true"},
        "The sandbox does not start beside a live Stripe key: unset one of them.",
    ),
    (
        {"STRIPE_SECRET_KEY": "rk_live_1", "STRIPE_SANDBOX": "1"},
        "The sandbox does not start beside a live Stripe key: unset one of them.",
    ),
    (
        {"STRIPE_SECRET_KEY": "pk_test_1"},
        "STRIPE_SECRET_KEY must begin with sk_test_, rk_test_, sk_live_ or rk_live_.",
    ),
    (
        {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_1"},
        "STRIPE_PUBLISHABLE_KEY must be the publishable key beside STRIPE_SECRET_KEY: it begins with pk_live_.",
    ),
]


class TestAConfiguration:
    @pytest.mark.parametrize(("variables", "sentence"), REFUSED, ids=range(len(REFUSED)))
    def test_that_cannot_be_meant_is_refused(self, tmp_path: Path, variables: dict[str, str], sentence: str) -> None:
        done = manage(tmp_path, "check", **variables)
        assert (done.returncode, done.stderr) == (1, f"Configuration: {sentence}\n")

    def test_whose_state_folder_cannot_be_made_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        done = manage(tmp_path / "file" / "state", "check")
        sentence = "COMMERCECORE_STATE_DIR names a folder that cannot be used: Not a directory."
        assert (done.returncode, done.stderr) == (1, f"Configuration: {sentence}\n")

    @pytest.mark.parametrize(("name", "what"), [("DRAIN_S", "a number"), ("WEB_WORKERS", "a whole number")])
    def test_of_gunicorn_that_cannot_be_meant_is_refused_in_one_sentence(self, name: str, what: str) -> None:
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--check-config"]
        done = subprocess.run(
            command, cwd=PROJECT_DIR, env={**os.environ, name: "soon"}, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (1, f"Configuration: {name} has to be {what}.\n")

    @pytest.mark.parametrize(
        ("key", "environment"),
        [("", "sandbox"), ("sk_test_1", "test"), ("rk_test_1", "test"), ("sk_live_1", "live"), ("rk_live_1", "live")],
    )
    def test_tells_the_environment_by_the_key(self, tmp_path: Path, key: str, environment: str) -> None:
        variables = {"STRIPE_SECRET_KEY": key, "STRIPE_PUBLISHABLE_KEY": f"pk_{environment}_1"} if key else {}
        code = "from django.conf import settings; print(settings.STRIPE_ENVIRONMENT, settings.STRIPE_SANDBOX)"
        done = manage(tmp_path, "shell", "--no-imports", "-c", code, **variables)
        assert done.stdout == f"{environment} {not key}\n"

    def test_has_no_sandbox_pages_and_no_demo_beside_a_real_stripe(self, tmp_path: Path) -> None:
        keys = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_1"}
        code = "from django.test import Client; print(Client().get('/sandbox/express/acct_1/x').status_code)"
        allowed = {"ALLOWED_HOSTS": "testserver"}
        assert manage(tmp_path, "shell", "--no-imports", "-c", code, **keys, **allowed).stdout == "404\n"
        demo = manage(tmp_path, "create_demo_tenant", "--json", **keys)
        assert (demo.returncode, demo.stdout) == (1, "")
        assert demo.stderr == "CommandError: The demo tenant exists in the sandbox alone: unset STRIPE_SECRET_KEY.\n"

    def test_is_read_from_files_where_they_are_named(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("from a file\n")
        code = "from django.conf import settings; print(settings.SECRET_KEY)"
        done = manage(tmp_path, "shell", "--no-imports", "-c", code, SECRET_KEY_FILE=str(tmp_path / "key"))
        assert done.stdout == "from a file\n"
        refused = manage(tmp_path, "check", SECRET_KEY_FILE=str(tmp_path / "nothing"))
        sentence = "Configuration: SECRET_KEY_FILE names a file that cannot be read: No such file or directory.\n"
        assert (refused.returncode, refused.stderr) == (1, sentence)

    def test_keeps_its_generated_secrets(self, tmp_path: Path) -> None:
        code = "from django.conf import settings; print(settings.SECRET_KEY, settings.TOKEN_HASH_KEY)"
        first, second = (manage(tmp_path, "shell", "--no-imports", "-c", code).stdout for _ in range(2))
        assert first == second
        assert len(first) > 100
        assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600

    def test_beside_a_live_key_needs_secrets_of_its_own_and_postgresql(self, settings: Any) -> None:
        settings.STRIPE_ENVIRONMENT, settings.SECRETS_ARE_GENERATED, settings.DATABASE_URL = "live", True, ""
        found = [*secrets_are_configured_beside_a_live_key(), *a_live_key_has_postgresql()]
        assert [error.id for error in found] == ["commercecore_payments.E001", "commercecore_payments.E002"]
        settings.SECRETS_ARE_GENERATED, settings.DATABASE_URL = False, "postgres://"
        assert [*secrets_are_configured_beside_a_live_key(), *a_live_key_has_postgresql()] == []

    @pytest.mark.parametrize(
        ("environment", "found"),
        [("sandbox", []), ("test", ["commercecore_payments.W001"]), ("live", ["commercecore_payments.E003"])],
    )
    def test_beside_a_real_stripe_needs_the_secrets_of_its_webhooks(
        self, settings: Any, environment: str, found: list[str]
    ) -> None:
        settings.STRIPE_ENVIRONMENT, settings.STRIPE_WEBHOOK_SECRETS_ARE_GENERATED = environment, True
        assert [message.id for message in stripes_webhook_secrets_are_configured()] == found
        settings.STRIPE_WEBHOOK_SECRETS_ARE_GENERATED = False
        assert stripes_webhook_secrets_are_configured() == []

    @pytest.mark.parametrize(
        ("configured", "is_warned"),
        [
            (("STRIPE_WEBHOOK_SECRETS", "STRIPE_CONNECT_WEBHOOK_SECRETS"), False),
            (("STRIPE_WEBHOOK_SECRETS",), True),
            (("STRIPE_CONNECT_WEBHOOK_SECRETS",), True),
        ],
    )
    def test_lacks_a_secret_of_stripes_webhooks_where_either_is_not_set(
        self, tmp_path: Path, configured: tuple[str, ...], is_warned: bool
    ) -> None:
        keys = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_PUBLISHABLE_KEY": "pk_test_1"}
        done = manage(tmp_path, "check", "--deploy", **keys, **dict.fromkeys(configured, "whsec_" + "a" * 32))
        assert done.returncode == 0
        assert ("(commercecore_payments.W001)" in done.stderr) is is_warned


class TestAnEnvironment:
    def test_does_not_see_the_rows_of_another(self, db: None, settings: Any) -> None:
        make_token()
        assert DeveloperToken.objects.count() == 1
        settings.STRIPE_ENVIRONMENT = "live"
        assert DeveloperToken.objects.count() == 0
