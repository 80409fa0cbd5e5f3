"""One process of a fleet, whose Stripe is the sandbox's door in another process: `python -m proofs.fleet_member worker`.

gunicorn serves `proofs.fleet_member:application`. The environment says FLEET_STRIPE, the address of the door, and FLEET_FAULTS,
the share of calls to Stripe that meet a fault.
"""

import os
import random
import sys
from collections.abc import Mapping
from typing import Any

from proofs.database import join

join()

from django.core.management import call_command  # noqa: E402 - Django is set up by now
from django.core.wsgi import get_wsgi_application  # noqa: E402

import gateway.client  # noqa: E402
from benchmarks.slow_stripe import RedirectedClient  # noqa: E402
from sandbox.faults.fault_headers import HEADER  # noqa: E402

# What a call meets: nothing left; the answer was lost after the effect; 500 without and with the effect; 429, twice; 409; and
# slowness. A timeout is to the service what a lost answer is, and would hold a thread of the door for a minute.
FAULTS = ("refuse_connection", "drop_answer", "fail_inside", "fail_after", "limit_rate", "lock_timeout", "key_in_use",
          "answer_slowly; delay_s=1")  # fmt: skip
# Seconds that the service waits for an answer: thirty times what the sandbox takes.
TIMEOUT_S = 30.0


class FaultyClient(RedirectedClient):
    """The way to the door, on which a share of the calls meets a fault."""

    share = float(os.environ.get("FLEET_FAULTS") or 0)
    dice = random.Random()  # noqa: S311 - guards nothing; each process plays its own

    def request(self, method: str, url: str, headers: Mapping[str, str] | None, *request: Any, **options: Any) -> Any:
        sent = dict(headers or {})
        if self.dice.random() < self.share:
            sent[HEADER] = self.dice.choice(FAULTS)
        return super().request(method, url, sent, *request, **options)


def _leave_through_the_door() -> None:
    address = os.environ.get("FLEET_STRIPE")
    if address:  # the door itself is answered in its own process
        gateway.client.transport = lambda: FaultyClient(address, timeout_s=TIMEOUT_S)


_leave_through_the_door()
if __name__ == "__main__":
    call_command(*sys.argv[1:])
else:
    application = get_wsgi_application()
