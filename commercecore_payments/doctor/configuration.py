"""Whether this service is configured so that it can be trusted with what its key stands for."""

from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import ConnectedAccount
from commercecore_payments.clock import database_now, now
from commercecore_payments.doctor.stripe_side import judged_skew
from commercecore_payments.doctor.verdicts import Verdict, fail, ok, warn
from commercecore_payments.encryption import load_keys
from commercecore_payments.environments import Environment
from gateway.webhook_signatures import read_secrets
from webhooks.models import WebhookEndpoint

SECRETS_CURE = (
    "Set them in the environment, the same on every machine, to what stands in secrets.json of COMMERCECORE_STATE_DIR (var/)."
)


def _is_live() -> bool:
    """Whether money is real: what can be lived with while the service is tried is then a failure."""
    return bool(settings.STRIPE_ENVIRONMENT == Environment.LIVE)


def publishable_key() -> Verdict:
    """Whether the publishable key is of the secret key's mode."""
    mode = "live" if settings.STRIPE_ENVIRONMENT == "live" else "test"
    if not settings.STRIPE_PUBLISHABLE_KEY.startswith(f"pk_{mode}_"):
        return fail(
            f"STRIPE_PUBLISHABLE_KEY is no {mode} key.", f"Set it to the publishable key beside the secret one: pk_{mode}_…"
        )
    return ok(f"It is a {mode} key, as the secret one is.")


def secrets() -> Verdict:
    """Whether the secrets are configured, and not those that this machine made for itself."""
    if settings.STRIPE_SANDBOX or not settings.SECRETS_ARE_GENERATED:
        return ok("This machine's own, as the sandbox may have." if settings.SECRETS_ARE_GENERATED else "All are configured.")
    told = "SECRET_KEY, TOKEN_HASH_KEY, LINK_SIGNING_KEY, ANSWER_ENCRYPTION_KEYS or WEBHOOK_SECRET_KEYS is not configured."
    return fail(told, SECRETS_CURE) if _is_live() else warn(told, SECRETS_CURE)


def stripes_webhook_secrets() -> Verdict:
    """Whether the secrets of the two endpoints at Stripe are configured, and have the shape of such."""
    names: Mapping[str, str] = {
        "STRIPE_WEBHOOK_SECRETS": settings.STRIPE_WEBHOOK_SECRETS,
        "STRIPE_CONNECT_WEBHOOK_SECRETS": settings.STRIPE_CONNECT_WEBHOOK_SECRETS,
    }
    cure = "Set it to the signing secret of the endpoint at Stripe: docs/stripe-events.md."
    if settings.STRIPE_WEBHOOK_SECRETS_ARE_GENERATED and not settings.STRIPE_SANDBOX:
        return fail("STRIPE_WEBHOOK_SECRETS or STRIPE_CONNECT_WEBHOOK_SECRETS is not set: nothing of Stripe's is accepted.", cure)
    try:
        counted = [len(read_secrets(name, text)) for name, text in names.items()]
    except ImproperlyConfigured as error:
        return fail(str(error), cure)
    return ok(f"{counted[0]} for your account, {counted[1]} for connected accounts.")


def encryption_keys() -> Verdict:
    """Whether the encryption keys can be read, and open the secrets that are stored."""
    try:
        load_keys("ANSWER_ENCRYPTION_KEYS", settings.ANSWER_ENCRYPTION_KEYS)
        keys = load_keys("WEBHOOK_SECRET_KEYS", settings.WEBHOOK_SECRET_KEYS)
    except ImproperlyConfigured as error:
        return fail(str(error), "Set it as .env.example shows it.")
    lost = WebhookEndpoint.objects.filter(deleted_at=None).exclude(secret_key_id__in=keys).count()
    if lost:
        told = f"The secrets of {lost} webhook endpoints were encrypted with a key that WEBHOOK_SECRET_KEYS does not have."
        return fail(told, "Put the old key back behind the new one, or have the consumers rotate their secrets.")
    return ok("Both sets can be read, and open what is stored.")


def public_address() -> Verdict:
    """Whether the service is reached over https, where money is real."""
    address, cure = settings.PUBLIC_BASE_URL, "Set PUBLIC_BASE_URL to the https address by which Stripe and sellers reach it."
    if settings.STRIPE_SANDBOX or address.startswith("https://"):
        return ok(f"{address}.")
    told = f"PUBLIC_BASE_URL is {address}, which is not https."
    return fail(told, cure) if _is_live() else warn(told, cure)


def debug() -> Verdict:
    """Whether errors are shown to strangers."""
    if not settings.DEBUG:
        return ok("It is off.")
    told = "DEBUG is on: whoever causes an error sees the program's inside."
    return fail(told, "Unset DEBUG.") if _is_live() else warn(told, "Unset DEBUG, but on your own machine.")


def database() -> Verdict:
    """Whether the database is one for real money."""
    if connection.vendor == "postgresql":
        return ok("PostgreSQL.")
    cure = "Set DATABASE_URL to a PostgreSQL database."
    return fail("SQLite holds a live service's records.", cure) if _is_live() else ok("SQLite, which serves to try the service.")


def database_clock() -> Verdict:
    """How far our clock is from the database's, by which leases are kept."""
    return judged_skew((now() - database_now()).total_seconds(), "the database's")


def migrations() -> Verdict:
    """Whether the database has the tables of this release."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan[:3])
        return fail(f"{len(plan)} migrations are not applied: {names}{'…' if len(plan) > 3 else ''}.", "Run manage.py migrate.")
    return ok("All are applied.")


def environments() -> Verdict:
    """Whether other environments' rows lie in the same database: they are not seen, and may surprise who looks there."""
    accounts = ConnectedAccount._base_manager.order_by().values_list("environment", flat=True).distinct()
    others = sorted(set(accounts) - {settings.STRIPE_ENVIRONMENT})
    if _is_live() and others:
        told = f"Beside the live records the database holds those of {' and '.join(others)}."
        return warn(told, "Nobody sees them beside a live key; a live service has a database of its own.")
    beside = f", and there are those of {' and '.join(others)}" if others else ""
    return ok(f"Its own are {settings.STRIPE_ENVIRONMENT}{beside}.")
