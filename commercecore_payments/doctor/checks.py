"""The table of checks, and how they are made."""

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from django.db import Error as DatabaseFailure

from commercecore_payments.doctor import configuration, old_keys, stripe_side, work_done
from commercecore_payments.doctor.stripe_side import Stripe
from commercecore_payments.doctor.verdicts import Verdict, fail

logger = logging.getLogger(__name__)

AT_STRIPE: Mapping[str, Callable[[Stripe], Verdict]] = {
    "secret key": stripe_side.secret_key,
    "endpoint for your account": stripe_side.platform_endpoint,
    "endpoint for connected accounts": stripe_side.connect_endpoint,
    "Stripe's clock": stripe_side.stripes_clock,
}
HERE: Mapping[str, Callable[[], Verdict]] = {
    "publishable key": configuration.publishable_key,
    "Stripe's webhook secrets": configuration.stripes_webhook_secrets,
    "secrets": configuration.secrets,
    "encryption keys": configuration.encryption_keys,
    "old keys": old_keys.old_keys,
    "public address": configuration.public_address,
    "debug": configuration.debug,
    "database": configuration.database,
    "database's clock": configuration.database_clock,
    "migrations": configuration.migrations,
    "environments": configuration.environments,
    "worker": work_done.worker,
    "operations": work_done.operations,
    "Stripe's events": work_done.stripe_events,
    "deliveries": work_done.deliveries,
    "reconciliation": work_done.reconciliation,
}
NAMES = (*AT_STRIPE, *HERE)


def examine() -> Iterator[tuple[str, Verdict]]:
    """Makes every check, in the order of NAMES. None of them raises."""
    stripe = Stripe()
    for name, look in AT_STRIPE.items():
        yield name, _made(name, partial(look, stripe))
    for name, check in HERE.items():
        yield name, _made(name, check)


def _made(name: str, check: Callable[[], Verdict]) -> Verdict:
    try:
        return check()
    except DatabaseFailure as error:  # as where a release's migrations are not applied
        told = " ".join(str(error).split())
        return fail(f"The database could not tell: {told}", "See the check of migrations, and that the database is reached.")
    except Exception as error:  # one check that breaks must not keep the others from being made
        logger.exception("the check of %s failed", name)
        return fail(f"It could not be looked at: {type(error).__name__}: {error}", "The log says more.")
