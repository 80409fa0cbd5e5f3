"""One process of the service under load: `python -m benchmarks.arm` prints its measurement as JSON.

`benchmarks.workers` starts it with the environment that decides what is compared: DATABASE_URL and DATABASE_POOL_SIZE.
"""

import argparse
import json
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict

import django
from django.db import connection

from benchmarks.load import Caller, Load, measure

# Longer than any wait that is measured: a Stripe that answers late is waited for.
TIMEOUT_S = 60.0
# What a process prints when it may be let go.
READY = "ready"


def main() -> None:
    """Loads the application as a WSGI server does, and measures it."""
    options = parse()
    wait_s = options.stripe_ms / 1000
    # The threads begin within the first wait; by the end of the second, connections and caches are there.
    load = Load(options.threads, options.seconds, warm_up_s=2 * wait_s + 1, spread_s=wait_s, with_keys=options.keys)

    os.environ["DJANGO_SETTINGS_MODULE"] = "commercecore_payments.settings"
    django.setup()
    from benchmarks import slow_stripe  # noqa: PLC0415 - the apps are loaded by now, and not earlier
    from commercecore_payments.wsgi import application  # noqa: PLC0415

    caller = make_caller(sellers=options.sellers)
    connection.close()  # this thread's: the measured ones are to have all that the pool holds
    with ExitStack() as stack:
        if options.stripe_address:
            stripe = slow_stripe.RedirectedClient(options.stripe_address, timeout_s=TIMEOUT_S)
            stack.enter_context(slow_stripe.stripe_is(stripe))
        else:
            stack.enter_context(slow_stripe.stripe_is(slow_stripe.SlowStripe(wait_s)))
        if options.hold:
            stack.enter_context(slow_stripe.connections_are_held())
        print(READY, flush=True)
        sys.stdin.readline()  # all processes begin together
        print(json.dumps(asdict(measure(application, caller, load))))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--stripe-ms", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--sellers", type=int, required=True)
    parser.add_argument("--stripe-address", default="")
    parser.add_argument("--hold", action="store_true")
    parser.add_argument("--keys", action="store_true")
    return parser.parse_args()


def make_caller(*, sellers: int) -> Caller:
    """A new developer with an app and a token, and as many onboarded sellers. Stripe is not asked."""
    from accounts.models import ConnectedAccount, Status  # noqa: PLC0415 - the apps are loaded by now, and not earlier
    from commercecore_payments.identifiers import new_identifier  # noqa: PLC0415
    from developers.operations import create_developer, issue_token  # noqa: PLC0415

    developer, app = create_developer(name="benchmark")
    _, token = issue_token(developer=developer, name="benchmark")
    accounts = [
        ConnectedAccount(
            developer=developer,
            stripe_account_id=new_identifier("acct"),
            email=f"seller-{number}@example.com",
            status=Status.ACTIVE,
            country="US",
            default_currency="usd",
            charges_enabled=True,
            payouts_enabled=True,
            details_submitted=True,
        )
        for number in range(sellers)
    ]
    made = ConnectedAccount.objects.bulk_create(accounts)
    return Caller(token=token, app_id=app.pk, sellers=[account.stripe_account_id for account in made])


if __name__ == "__main__":
    main()
