"""The settings of the tests: in a folder of their own, whatever the developer's shell holds.

The tests run on SQLite, or on the PostgreSQL server named in TEST_POSTGRES_URL; and in the sandbox, but for the contract
with Stripe, which `make test-stripe` holds against Stripe's test mode with the key in TEST_STRIPE_SECRET_KEY.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent


def _forget_configuration() -> None:
    """Unsets every variable that configures the service: .env.example names them all."""
    for name in re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=", (PROJECT_DIR / ".env.example").read_text(), re.MULTILINE):
        os.environ.pop(name, None)


def _state_dir() -> Path:
    """A folder that goes away with the test run. Its parallel processes share it."""
    inherited = os.environ.get("COMMERCECORE_STATE_DIR")
    if inherited and os.environ.get("PYTEST_XDIST_WORKER"):
        return Path(inherited)
    folder = tempfile.mkdtemp(prefix="commercecore-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


_folder = _state_dir()
_forget_configuration()
os.environ["COMMERCECORE_STATE_DIR"] = str(_folder)
os.environ["DATABASE_URL"] = os.environ.get("TEST_POSTGRES_URL", "")
if os.environ.get("TEST_STRIPE_SECRET_KEY"):
    os.environ["STRIPE_SECRET_KEY"] = os.environ["TEST_STRIPE_SECRET_KEY"]
    os.environ["STRIPE_PUBLISHABLE_KEY"] = "pk_test_no_browser_takes_part"

from commercecore_payments.settings import *  # noqa: E402, F403 - it reads the environment made above
from commercecore_payments.settings import DATABASE_URL, DATABASES, STATIC_ROOT  # noqa: E402

# The strength of a password's hash is its slowness, which guards nothing here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
RECONCILE_NIGHTLY_AT = None  # whatever the hour is at which the tests run
WHITENOISE_AUTOREFRESH = True  # a file is looked for when it is asked for; otherwise each client of a test looks for all first
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns where it is missing

if not DATABASE_URL:
    # What a crash of the machine would lose is nobody's.
    DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"
else:
    # A name of its own for each run, so that two runs can share one server.
    DATABASES["default"]["TEST"] = {"NAME": _folder.name.replace("-", "_").lower()}
