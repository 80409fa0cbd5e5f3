"""Takes what no delivery has brought, with nothing but Python: `python3 catching_up.py last-sequence.txt`.

Run it where your program starts, and each minute: that the latest event is missing can be seen in no other. `API`,
`DEVELOPER_TOKEN` and `APP_ID` come from the environment. The file holds the sequence up to which everything was taken, and
is 0 where there is none.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

TIMEOUT_S = 30


def catch_up(file: Path) -> None:
    """Takes every event behind the sequence in the file, oldest first, and writes down how far it came."""
    last = int(file.read_text()) if file.exists() else 0
    address = f"{os.environ['API']}/events?after={last}"
    while address:
        answer = read(address)
        oldest = answer["meta"]["oldest_sequence"] or answer["meta"]["latest_sequence"] + 1  # 0: none is kept any more
        if last + 1 < oldest:
            print(f"away too long: {last + 1} to {oldest - 1} are kept no more, list your payments and refunds")
            last = oldest - 1
            file.write_text(str(last))
        for event in answer["data"]["events"]:
            take(event)
            last = event["sequence"]
            file.write_text(str(last))  # after the work: broken off in between, an event is taken twice, and none is lost
        address = answer["links"]["next"]


def read(address: str) -> Any:
    headers = {"X-Developer-Token": os.environ["DEVELOPER_TOKEN"], "X-App-ID": os.environ["APP_ID"]}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - your own address
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        return json.load(answer)


def take(event: dict[str, Any]) -> None:
    """What your receiver does with it too, once for each `id`: that is the `webhook-id` of its deliveries."""
    print(event["type"], event["sequence"])


if __name__ == "__main__":
    catch_up(Path(sys.argv[1]))
