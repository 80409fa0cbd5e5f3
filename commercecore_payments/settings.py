"""Settings, read from the environment. README.md has the table of what can be set."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from commercecore_payments import stripe_keys
from commercecore_payments.admin_site import UNFOLD  # noqa: F401 - a setting of its own
from commercecore_payments.database_limits import connection_options, is_behind_transaction_pooler
from commercecore_payments.environment_variables import EnvironmentVariables
from commercecore_payments.local_secrets import load_or_create_secrets
from commercecore_payments.log_format import log_format
from commercecore_payments.pooled_connections import PooledConnection
from commercecore_payments.refused_requests import REFUSING_LOGGERS

BASE_DIR = Path(__file__).resolve().parent.parent
env = EnvironmentVariables()

# Where everything lies that a running service makes for itself: the embedded database and the generated secrets.
STATE_DIR = Path(env.str("COMMERCECORE_STATE_DIR", default=str(BASE_DIR / "var")))
_generated = load_or_create_secrets(STATE_DIR)


def _secret(name: str) -> str:
    return env.str(name, default="") or _generated[name]


# --- Stripe -------------------------------------------------------------------------------------------------------

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_PUBLISHABLE_KEY = env.str("STRIPE_PUBLISHABLE_KEY", default="")
STRIPE_SANDBOX = env.bool("STRIPE_SANDBOX", default=not STRIPE_SECRET_KEY)


def _environment() -> str:
    """`sandbox`, `test` or `live`: which Stripe this process talks to, and which rows it may see."""
    live = STRIPE_SECRET_KEY.startswith(stripe_keys.LIVE_KEYS)
    if STRIPE_SANDBOX and live:
        raise ImproperlyConfigured("The sandbox does not start beside a live Stripe key: unset one of them.")
    if STRIPE_SANDBOX:
        return "sandbox"
    if live:
        return "live"
    if STRIPE_SECRET_KEY.startswith(stripe_keys.TEST_KEYS):
        return "test"
    raise ImproperlyConfigured("STRIPE_SECRET_KEY must begin with sk_test_, rk_test_, sk_live_ or rk_live_.")


STRIPE_ENVIRONMENT = _environment()
if STRIPE_SANDBOX:
    # Shaped like Stripe's, and belonging to no Stripe account.
    STRIPE_SECRET_KEY = "sk_test_sandbox"
    STRIPE_PUBLISHABLE_KEY = STRIPE_PUBLISHABLE_KEY or "pk_test_sandbox0000000000000000000000000000000000000000"
    if not STRIPE_PUBLISHABLE_KEY.startswith("pk_test_"):
        raise ImproperlyConfigured("Beside the sandbox STRIPE_PUBLISHABLE_KEY must begin with pk_test_.")
elif not STRIPE_PUBLISHABLE_KEY.startswith(f"pk_{STRIPE_ENVIRONMENT}_"):
    raise ImproperlyConfigured(
        f"STRIPE_PUBLISHABLE_KEY must be the publishable key beside STRIPE_SECRET_KEY: it begins with pk_{STRIPE_ENVIRONMENT}_."
    )

# Seconds that a call of Stripe waits for each part of the answer. Stripe's own libraries wait
# 80 s; most calls answer within one or two.
STRIPE_TIMEOUT_S = env.float("STRIPE_TIMEOUT_S", default=30.0)
DEFAULT_CURRENCY = env.str("DEFAULT_CURRENCY", default="usd").lower()
DEFAULT_COUNTRY = env.str("DEFAULT_COUNTRY", default="US").upper()

# Minor units of a payment's currency: what the staff refunds of one payment within a day beyond it waits for a second person.
# Empty: nothing waits. 0: every refund of the staff does. 500.00 USD is a decision that a shop's manager takes; our own choice.
_approval_above = env.str("REFUND_APPROVAL_ABOVE_MINOR", default="50000").strip()
if _approval_above and not (_approval_above.isascii() and _approval_above.isdigit()):
    raise ImproperlyConfigured("REFUND_APPROVAL_ABOVE_MINOR has to be a whole number of minor units, or empty.")
REFUND_APPROVAL_ABOVE_MINOR: int | None = int(_approval_above) if _approval_above else None

# --- Addresses ----------------------------------------------------------------------------------------------------

PORT = env.int("PORT", default=8000)
if not 1 <= PORT <= 65535:  # the ports of TCP (RFC 9293)
    raise ImproperlyConfigured("PORT has to be between 1 and 65535.")
# The address at which people and Stripe reach this service: onboarding links and the sandbox's pages begin with it.
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_BASE_URL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", _public.hostname or "localhost"])
# Hosts at which the sandbox's webhooks may be received though their addresses are private, as in a network of containers.
SANDBOX_WEBHOOK_HOSTS = env.list("SANDBOX_WEBHOOK_HOSTS", default=[])
# Threads of each worker that deliver events: each waits for one receiver at a time. A database connection is theirs only
# between two posts, so DATABASE_POOL_SIZE need not grow with them.
WEBHOOK_THREADS = env.int("WEBHOOK_THREADS", default=8)
if WEBHOOK_THREADS < 1:
    raise ImproperlyConfigured("WEBHOOK_THREADS has to be at least 1: without them no event is delivered.")
# When the worker begins to compare our records with Stripe's books, each night; empty for never. And how many days back it looks;
# 0 for all of them.
RECONCILE_NIGHTLY_AT = env.time_of_day("RECONCILE_NIGHTLY_AT", default="03:00")
RECONCILE_NIGHTLY_DAYS = env.int("RECONCILE_NIGHTLY_DAYS", default=0)
if RECONCILE_NIGHTLY_DAYS < 0:
    raise ImproperlyConfigured("RECONCILE_NIGHTLY_DAYS has to be 0, for all days, or more.")
# Touched by the worker while it lives, for a container's health check; empty: no file.
WORKER_ALIVE_FILE = env.str("WORKER_ALIVE_FILE", default="")
COMMERCECORE_ORDERS_URL = env.str("COMMERCECORE_ORDERS_URL", default="").rstrip("/")
# Seconds: for the connection to the order service, for each silence in its answer, and for the answer's body in all.
ORDERS_TIMEOUT_S = env.float("ORDERS_TIMEOUT_S", default=5.0)

# Requests a second of one token, and of one app with all of its tokens together; 0 for as many as come. A shop with 100
# payments a second takes 8 million a day; the sandbox lets tests go faster.
_rate_limit = 1000 if STRIPE_SANDBOX else 100
RATE_LIMIT_PER_TOKEN = env.int("RATE_LIMIT_PER_TOKEN", default=_rate_limit)
RATE_LIMIT_PER_APP = env.int("RATE_LIMIT_PER_APP", default=_rate_limit)
if not (0 <= RATE_LIMIT_PER_TOKEN <= 1_000_000 and 0 <= RATE_LIMIT_PER_APP <= 1_000_000):  # they are counted in microseconds
    raise ImproperlyConfigured("RATE_LIMIT_PER_TOKEN and RATE_LIMIT_PER_APP have to be from 0, for no limit, to 1000000.")

# --- Secrets ------------------------------------------------------------------------------------------------------

SECRET_KEY = _secret("SECRET_KEY")
TOKEN_HASH_KEY = _secret("TOKEN_HASH_KEY")
LINK_SIGNING_KEY = _secret("LINK_SIGNING_KEY")
# Comma-separated. The keys before, while what was made under them is still good: docs/key-rotation.md.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
TOKEN_HASH_KEY_FALLBACKS = env.list("TOKEN_HASH_KEY_FALLBACKS", default=[])
LINK_SIGNING_KEY_FALLBACKS = env.list("LINK_SIGNING_KEY_FALLBACKS", default=[])
# "<id>:<Fernet key>,…": the first encrypts the answers that are stored under Idempotency-Keys, all decrypt them.
ANSWER_ENCRYPTION_KEYS = _secret("ANSWER_ENCRYPTION_KEYS")
# "<id>:<Fernet key>,…": the first encrypts the secrets of the consumers' webhook endpoints, all decrypt them.
WEBHOOK_SECRET_KEYS = _secret("WEBHOOK_SECRET_KEYS")
# Comma-separated. The signing secrets of the two webhook endpoints at Stripe: the platform's own events, and those of connected
# accounts. Several while one is rotated.
STRIPE_WEBHOOK_SECRETS = _secret("STRIPE_WEBHOOK_SECRETS")
STRIPE_CONNECT_WEBHOOK_SECRETS = _secret("STRIPE_CONNECT_WEBHOOK_SECRETS")
ADMIN_USERNAME = env.str("ADMIN_USERNAME", default="admin")
ADMIN_PASSWORD = _secret("ADMIN_PASSWORD")
# Those that every machine must share.
_shared_secrets = ("SECRET_KEY", "TOKEN_HASH_KEY", "LINK_SIGNING_KEY", "ANSWER_ENCRYPTION_KEYS", "WEBHOOK_SECRET_KEYS")
SECRETS_ARE_GENERATED = not all(env.str(name, default="") for name in _shared_secrets)
# Those that only Stripe can have made: a generated one verifies nothing that a real Stripe sends.
_stripe_secrets = ("STRIPE_WEBHOOK_SECRETS", "STRIPE_CONNECT_WEBHOOK_SECRETS")
STRIPE_WEBHOOK_SECRETS_ARE_GENERATED = not all(env.str(name, default="") for name in _stripe_secrets)

# --- CommerceCore's JSON Web Tokens ---------------------------------------------------------------------------------

# {"<kid>": {"algorithm": "HS256" | "RS256" | "ES256", "key": "<secret, or public key in PEM>"}}
JWT_KEYS: dict[str, dict[str, str]] = env.json("COMMERCECORE_JWT_KEYS", default={})
JWT_ISSUER = env.str("COMMERCECORE_JWT_ISSUER", default="")
JWT_AUDIENCE = env.str("COMMERCECORE_JWT_AUDIENCE", default="")

# --- Django -------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
INSTALLED_APPS = [
    "commercecore_payments",  # before unfold, one of whose templates it replaces
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "auditlog",
    "axes",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "staff",
    "developers",
    "accounts",
    "transactions",
    "refunds",
    "paymentmethods",
    "idempotency",
    "rate_limits",
    "gateway",
    "disputes",
    "payouts",
    "webhooks",
    "stripe_events",
    "reconciliation",
    "explanations",
    "figures",
    "sandbox",
]
MIDDLEWARE = [
    "commercecore_payments.probes.answer_probes",  # the first one: a probe has no host name, no TLS and no token
    "commercecore_payments.middleware.request_id",
    "commercecore_payments.middleware.refuse_nul",
    "django.middleware.security.SecurityMiddleware",
    "commercecore_payments.browser_protection.ContentSecurityPolicy",
    "commercecore_payments.browser_protection.other_protections",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "commercecore_payments.page_middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "commercecore_payments.page_middleware.AuthenticationMiddleware",
    "staff.middleware.staff_on_record",
    "commercecore_payments.page_middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # the last one: it answers in place of the login page
]
if STRIPE_SANDBOX:
    MIDDLEWARE.append("sandbox.transport.middleware.order_faults")
ROOT_URLCONF = "commercecore_payments.urls"
WSGI_APPLICATION = "commercecore_payments.wsgi.application"
APPEND_SLASH = False  # each route answers with and without it; a redirect would lose a POST's body
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASE_URL = env.str("DATABASE_URL", default="")


def _sqlite() -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE_DIR / "db.sqlite3",
        "OPTIONS": {
            # IMMEDIATE takes the write lock at BEGIN: a transaction that reads first and writes later cannot fail
            # with "database is locked" after its work is done. WAL lets readers go on beside the one writer.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 20,  # seconds to wait for the write lock
        },
        "TEST": {"NAME": STATE_DIR / "test.sqlite3"},
    }


def _postgresql() -> dict[str, Any]:
    database = env.db_url_config(DATABASE_URL)
    # Connections return to the pool during each call to Stripe, so a few serve many threads.
    pool = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", default=8),
        "timeout": 10,  # seconds to wait for a free connection
        "connection_class": PooledConnection,
    }
    database["OPTIONS"] = {**connection_options(env, database), "pool": pool}
    # A connection that a failover broke is found and replaced before it is used. A cursor on the server would outlive its
    # transaction.
    return {**database, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": is_behind_transaction_pooler(env)}


DATABASES = {"default": _postgresql() if DATABASE_URL else _sqlite()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]

LOGIN_REDIRECT_URL = "admin:index"

# django-axes counts failed logins, and comes first so that of who is locked out no password is even tried.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "commercecore_payments.login_lockout.LockoutHandler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username"]  # the order that the handler reads
# Wrong passwords of one name from one address until it is locked out there. NIST SP 800-63B of 2017 (section 5.2.2) allows 100 in
# a row, PCI DSS 4.0.1 (requirement 8.3.4) ten; people who have forgotten theirs rarely try more often than five times.
AXES_FAILURE_LIMIT = 5
# And from all addresses together until it is locked out everywhere: against guessing from many machines. It is higher, since
# anybody can lock out somebody else with it (OWASP, Authentication Cheat Sheet, "Account Lockout").
LOGIN_FAILURES_FROM_ANYWHERE = 20
# Since the last wrong password, as long as PCI DSS 4.0.1 (requirement 8.3.4) asks; tries meanwhile do not prolong it. 20 in 30
# minutes are some 350,000 in a year, of a name that everybody would see on the list of failed logins: too few for any password
# that AUTH_PASSWORD_VALIDATORS let pass.
AXES_COOLOFF_TIME = timedelta(minutes=30)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "commercecore_payments.login_lockout.client_address"
AXES_LOCKOUT_CALLABLE = "commercecore_payments.login_lockout.locked_out"
AXES_ENABLE_ADMIN = False  # the list of failed logins has the look of all others
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
# Proxies of one's own before the service, each of which appends the address that it was asked from to X-Forwarded-For.
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
if TRUSTED_PROXY_COUNT < 0:
    raise ImproperlyConfigured("TRUSTED_PROXY_COUNT has to be a number of proxies: 0 or more.")

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = "commercecore_payments.formats"

STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(STATE_DIR / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # a fresh clone serves its pages without collectstatic

# --- Security -----------------------------------------------------------------------------------------------------

_https = _public.scheme == "https"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=_https)
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0  # one year, what the preload list asks for
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_SAMESITE = "Lax"  # Strict would ask whoever follows a link in a message to sign in again
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # the forms carry the token; no script reads the cookie
# A browser takes such a cookie from this very host over https alone, and for all of it: no other host of the domain can set one
# (draft-ietf-httpbis-rfc6265bis, section 4.1.3.2).
SESSION_COOKIE_NAME = "__Host-sessionid" if _https else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if _https else "csrftoken"
# Half a day: whoever moves money logs in anew at each shift (NIST SP 800-63B of 2017, section 4.2.3: once in 12 hours at least).
SESSION_COOKIE_AGE = 43_200
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_TLS_PROXY", default=_https):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # one MiB for the admin's forms; the API's own parser stops at 64 KB

# --- REST framework -----------------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["commercecore_payments.authentication.DeveloperTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["commercecore_payments.parsers.ObjectParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "commercecore_payments.error_responses.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "commercecore_payments.openapi.auto_schema.DescribedSchema",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS would answer outside the documented envelope
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is nobody's parameter here
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "CommerceCore Payments",
    "DESCRIPTION": "Payments for marketplaces: sellers are connected accounts, and buyers pay them by direct charge. "
    "Amounts are whole minor units, and times seconds since 1970. Send an `Idempotency-Key` with all that moves money. "
    "Every error has one shape; [/docs/errors](/docs/errors) lists their codes.",
    "VERSION": "v1",
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": PUBLIC_BASE_URL}],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["commercecore_payments.openapi.document.api_routes_alone"],
    "POSTPROCESSING_HOOKS": ["commercecore_payments.openapi.document.complete"],
    # Its files come from this service: no other host is asked.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "list", "defaultModelsExpandDepth": 0, "filter": True},
}

# --- Logging ------------------------------------------------------------------------------------------------------

# `json` is for what collects logs, `line` for whoever looks at a terminal. The sandbox is tried by hand, and a real key is served
# with. Whether the output is a terminal decides nothing: the same service writes the same in a pipe.
LOG_FORMAT = log_format(env)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"ours": {"()": "commercecore_payments.log_lines.LogFormatter", "style": LOG_FORMAT}},
    "filters": {"briefly": {"()": "commercecore_payments.refused_requests.Briefly"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "ours"}},
    "loggers": {
        # Every record that Django writes of a request that it refuses by itself.
        **{name: {"filters": ["briefly"]} for name in REFUSING_LOGGERS},
        "stripe": {"level": "WARNING"},  # the gateway logs each operation with Stripe's request id itself
        # Django's own handlers would print some lines a second time, past the formatter that hides secrets.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # gunicorn's, once a process has loaded the application: commercecore_payments/access_log.py.
        "gunicorn.error": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}

# --- Metrics ------------------------------------------------------------------------------------------------------

# Whoever sends it as a bearer token reads /metrics; without one there is no such address, in the sandbox as everywhere.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if METRICS_TOKEN and len(METRICS_TOKEN) < 32:  # 128 bits as hexadecimal digits: beyond guessing
    raise ImproperlyConfigured("METRICS_TOKEN has to have 32 characters or more: openssl rand -hex 32 makes one.")
# Prometheus asks inside of one's network, where nobody ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
