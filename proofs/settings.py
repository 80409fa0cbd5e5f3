"""The settings of the proofs: the service's own, with a database that `proofs.database` made for one run.

It reads the folder and the database from the environment, so that every process of a run shares them.
"""

import os
import re
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent
# What `proofs.database.set_up` says; all else that would configure the service in this shell is forgotten.
KEPT = ("COMMERCECORE_STATE_DIR", "DATABASE_URL")

for _name in re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=", (PROJECT_DIR / ".env.example").read_text(), re.MULTILINE):
    if _name not in KEPT:
        os.environ.pop(_name, None)

from commercecore_payments.settings import *  # noqa: E402, F403 - it reads the environment made above
from commercecore_payments.settings import ALLOWED_HOSTS, DATABASE_URL, DATABASES, STATIC_ROOT  # noqa: E402

ALLOWED_HOSTS.append("testserver")  # the name by which Django's test client calls
RECONCILE_NIGHTLY_AT = None  # whatever the hour is at which a proof is run
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns where it is missing

WHITENOISE_USE_FINDERS = False  # nobody asks for a file here, and each new client of the API would look all of them up

if not DATABASE_URL:
    # The run's data dies with it: nothing is lost by not waiting for the disk. The journal stays, since a killed process
    # must find its database as the service would.
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"

LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"handlers": [], "level": "CRITICAL"}}
LOGGING_CONFIG = "proofs.database.silence_logging"
