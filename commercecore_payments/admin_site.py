"""The look of the admin and its way around: the settings of django-unfold. Imported by the settings, so no models here."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

SITE_TITLE = "CommerceCore Payments"
# What an operator has to see at every moment: whether this is real money. By commercecore_payments.environments.
ENVIRONMENT_BADGES = {
    "sandbox": ("Sandbox", "info"),
    "test": ("Test", "warning"),
    "live": ("LIVE", "danger"),
}


def environment_badge(_request: HttpRequest) -> tuple[str, str]:
    """The environment of this process and the colour of its badge."""
    return ENVIRONMENT_BADGES[settings.STRIPE_ENVIRONMENT]


def environment_title_prefix(request: HttpRequest) -> str:
    """Before the title of each page, so that browser tabs can be told apart."""
    return f"[{environment_badge(request)[0]}]"


def may_see(app_label: str, model_name: str) -> Callable[[HttpRequest], bool]:
    """Whether the user may open the model's list: by Django's rule, with permission to view or to change."""

    def allowed(request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"{app_label}.{verb}_{model_name}") for verb in ("view", "change"))

    return allowed


def _item(title: str, icon: str, app_label: str, model_name: str) -> dict[str, Any]:
    address = reverse_lazy(f"admin:{app_label}_{model_name}_changelist")
    return {"title": title, "icon": icon, "link": address, "permission": may_see(app_label, model_name)}


def _group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "items": list(items)}


def navigation(_request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar. Where a real Stripe is, there is no sandbox to show."""
    overview = {"items": [{"title": "Overview", "icon": "home", "link": reverse_lazy("admin:index")}]}
    staff = _group(
        "Staff",
        _item("Users", "badge", "auth", "user"),
        _item("Groups", "group_work", "auth", "group"),
        _item("Audit log", "history", "auditlog", "logentry"),
        _item("Failed logins", "lock", "axes", "accessattempt"),
    )
    return [overview, *_own_records(), *([_sandbox()] if settings.STRIPE_SANDBOX else []), staff]


def _own_records() -> list[dict[str, Any]]:
    return [
        _group(
            "Callers",
            _item("Developers", "groups", "developers", "developer"),
            _item("Apps", "apps", "developers", "app"),
            _item("Tokens", "key", "developers", "developertoken"),
            _item("Revoked JSON Web Tokens", "block", "developers", "revokedjsonwebtoken"),
            _item("Idempotency keys", "repeat_one", "idempotency", "idempotencykey"),
        ),
        _group(
            "Sellers",
            _item("Connected accounts", "storefront", "accounts", "connectedaccount"),
            _item("Payouts", "account_balance", "payouts", "payout"),
        ),
        _group(
            "Payments",
            _item("Transactions", "payments", "transactions", "transaction"),
            _item("Refunds", "undo", "refunds", "refund"),
            _item("Refunds to approve", "approval", "refunds", "refundapproval"),
            _item("Disputes", "gavel", "disputes", "dispute"),
            _item("Payment methods", "credit_card", "paymentmethods", "paymentmethod"),
            _item("Customers", "person", "paymentmethods", "customer"),
        ),
        _group(
            "Stripe",
            _item("Operations", "sync_alt", "gateway", "operation"),
            _item("Stripe events", "move_to_inbox", "stripe_events", "stripeevent"),
        ),
        _group(
            "Reconciliation",
            _item("Cases", "difference", "reconciliation", "case"),
            _item("Runs", "fact_check", "reconciliation", "run"),
        ),
        _group(
            "Webhooks to consumers",
            _item("Events", "campaign", "webhooks", "event"),
            _item("Webhook endpoints", "webhook", "webhooks", "webhookendpoint"),
            _item("Deliveries", "outbox", "webhooks", "delivery"),
        ),
    ]


def _sandbox() -> dict[str, Any]:
    return _group(
        "Sandbox (no real Stripe)",
        {"title": "Overview of the sandbox", "icon": "science", "link": reverse_lazy("sandbox:overview")},
        {"title": "Checkout", "icon": "shopping_cart", "link": reverse_lazy("sandbox:checkout")},
        _item("Orders", "receipt_long", "sandbox", "sandboxorder"),
        _item("Objects", "data_object", "sandbox", "sandboxobject"),
    )


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": SITE_TITLE,
    "SITE_HEADER": "CommerceCore",
    "SITE_SUBHEADER": "Payments",
    "SITE_ICON": lambda _request: static("commercecore_payments/icon.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("commercecore_payments/icon.svg")}
    ],
    "STYLES": [lambda _request: static("commercecore_payments/admin.css")],
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "commercecore_payments.admin_site.environment_badge",
    "ENVIRONMENT_TITLE_PREFIX": "commercecore_payments.admin_site.environment_title_prefix",
    "LOGIN": {"form": "commercecore_payments.login_form.LoginForm"},
    "DASHBOARD_CALLBACK": "commercecore_payments.admin.overview.add_overview",
    "SIDEBAR": {"navigation": "commercecore_payments.admin_site.navigation"},
    # Shades of the blue of the icon, #2f5bea, lighter and darker.
    "COLORS": {
        "primary": {
            "50": "oklch(97% .016 266)",
            "100": "oklch(94% .035 266)",
            "200": "oklch(88.5% .066 266)",
            "300": "oklch(80.5% .112 266)",
            "400": "oklch(70.5% .168 266)",
            "500": "oklch(62.5% .204 266)",
            "600": "oklch(53% .226 266)",
            "700": "oklch(46.5% .21 266)",
            "800": "oklch(40% .176 266)",
            "900": "oklch(34.5% .138 266)",
            "950": "oklch(26% .095 266)",
        }
    },
}
