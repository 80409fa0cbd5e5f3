"""Whether the service in this container is healthy: `python -m commercecore_payments.healthcheck`, the image's HEALTHCHECK."""

import os
import sys
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

# Seconds; the image's HEALTHCHECK gives up after five.
TIMEOUT_S = 4


def main() -> int:
    """0 where `/api/v1/status` answers 200 within TIMEOUT_S, else 1: Docker knows no other values."""
    address = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
    # Asked as the proxy in front asks: under the public name, and over TLS, which otherwise answers with a redirect.
    headers = {"Host": urlsplit(os.environ.get("PUBLIC_BASE_URL") or address).netloc, "X-Forwarded-Proto": "https"}
    try:
        with urlopen(Request(f"{address}/api/v1/status", headers=headers), timeout=TIMEOUT_S) as answer:  # noqa: S310
            return 0 if answer.status == 200 else 1
    except (URLError, TimeoutError) as error:
        print(f"The service does not answer: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())
