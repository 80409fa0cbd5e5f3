"""The folder in which gunicorn's processes count together: PROMETHEUS_MULTIPROC_DIR, made by gunicorn.conf.py.

Whatever is counted there is lost when gunicorn ends, as a restarted process's counters always are: Prometheus expects it.
"""

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "commercecore-metrics-"
# In memory: the processes count by writing to mapped files, which must not wait for a disk.
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder below it is made under a name that nobody can foresee


def share_metrics() -> None:
    """Names the folder, before any process imports prometheus_client; makes one unless the operator has named it.

    A gunicorn that takes the place of another one (SIGUSR2) inherits its folder's name, and makes one of its own.
    """
    named = os.environ.get(VARIABLE, "")
    if not named or (_is_made_here(named) and not _is_own(named)):
        in_memory = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=in_memory)


def _is_made_here(folder: str) -> bool:
    return Path(folder).name.startswith(PREFIX)


def _is_own(folder: str) -> bool:
    """Whether this very process, gunicorn's first one, has made it."""
    return Path(folder).name.startswith(f"{PREFIX}{os.getpid()}-")


def clean_metrics() -> None:
    """Leaves the folder empty: what lies there was counted by processes that are gone."""
    folder = Path(os.environ[VARIABLE])
    folder.mkdir(parents=True, exist_ok=True)
    for counted in folder.glob("*.db"):
        counted.unlink()


def forget_process(pid: int) -> None:
    """What a process that has ended counted stays in the sums; what it alone could tell is gone with it."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - it reads VARIABLE when it is imported

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def remove_metrics() -> None:
    """Removes the folder, if this process made it."""
    if _is_own(os.environ[VARIABLE]):
        shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)
