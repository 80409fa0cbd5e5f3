"""Whether the process in this container lives: `python -m commercecore_payments.healthcheck [worker]`, as Docker asks it.

The image's HEALTHCHECK asks the web server. `worker` looks when the worker last said that it lives. Both are about the process
alone: Docker Swarm replaces what is unhealthy, and a new container would mend no database.
"""

import os
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

# Seconds; the image's HEALTHCHECK gives up after five.
TIMEOUT_S = 4
# Seconds: three of a worker's signs of life were missed (commercecore_payments/heartbeats.py).
WORKER_SILENT_S = 90


def web() -> int:
    """0 where `/livez` answers 200 within TIMEOUT_S, else 1: Docker knows no other values."""
    address = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
    try:
        with urlopen(f"{address}/livez", timeout=TIMEOUT_S) as answer:  # noqa: S310 - an address of our own
            return 0 if answer.status == 200 else 1
    except (URLError, TimeoutError) as error:
        print(f"The service does not answer: {error}", file=sys.stderr)  # noqa: T201
        return 1


def worker() -> int:
    """0 where the worker has touched WORKER_ALIVE_FILE within WORKER_SILENT_S, else 1."""
    try:
        silent_s = time.time() - Path(os.environ["WORKER_ALIVE_FILE"]).stat().st_mtime  # noqa: TID251 - the file system's time
    except (KeyError, OSError) as error:
        print(f"The worker has not said that it lives: {error!r}", file=sys.stderr)  # noqa: T201
        return 1
    return 0 if silent_s < WORKER_SILENT_S else 1


if __name__ == "__main__":
    sys.exit(worker() if sys.argv[1:] == ["worker"] else web())
