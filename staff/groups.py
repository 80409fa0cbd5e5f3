"""The groups that come with the service, and what each may do: one literal table, written by a migration.

- Viewer sees every record and the audit log, and does nothing.
- Support sees the same. It reads records anew from Stripe, retries operations, makes onboarding links, sends webhooks again and
  exports. It moves no money.
- Finance sees the same. It refunds, decides the refunds of others that wait for a second person, captures, cancels, retries
  and reviews operations, reads records anew from Stripe, mends and closes cases, runs the reconciliation and exports.
- Developer relations sees callers, webhooks and events, and no payments. It adds, renames, disables and enables developers and
  apps, issues, rotates and revokes tokens, switches webhook endpoints off and on, sends webhooks again and applies Stripe's
  events again. It moves no money.

Nobody deletes a record of money, and nobody approves their own refund: no permission is for that. Superusers may do everything
else, and alone manage users and groups. A group may be changed afterwards; a later migration adds what is new to it, and takes
nothing away.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps as installed

from staff.rights import Right

# By app: the models of which everybody with a look at the books sees the lists and pages.
BOOKS: Mapping[str, Sequence[str]] = {
    "developers": ("developer", "app", "developertoken", "revokedjsonwebtoken"),
    "idempotency": ("idempotencykey",),
    "accounts": ("connectedaccount",),
    "payouts": ("payout",),
    "reconciliation": ("case", "run"),
    "transactions": ("transaction",),
    "refunds": ("refund", "refundapproval"),
    "disputes": ("dispute",),
    "paymentmethods": ("paymentmethod", "customer"),
    "gateway": ("operation",),
    "stripe_events": ("stripeevent",),
    "webhooks": ("event", "webhookendpoint", "delivery"),
    "sandbox": ("sandboxorder", "sandboxobject"),
    "auditlog": ("logentry",),
}
# What shows no payment: an event's content does, and belongs to whoever helps its receiver.
CALLERS_AND_EVENTS: Mapping[str, Sequence[str]] = {
    "developers": ("developer", "app", "developertoken", "revokedjsonwebtoken"),
    "idempotency": ("idempotencykey",),
    "stripe_events": ("stripeevent",),
    "webhooks": ("event", "webhookendpoint", "delivery"),
}


def views(models: Mapping[str, Sequence[str]]) -> list[str]:
    """Django's permissions to view these models: `refunds.view_refund`."""
    return [f"{app}.view_{model}" for app, names in models.items() for model in names]


VIEWER, SUPPORT, FINANCE, DEVELOPER_RELATIONS = "Viewer", "Support", "Finance", "Developer relations"

RIGHTS: Mapping[str, Sequence[Right]] = {
    VIEWER: (),
    SUPPORT: (
        Right.RESYNC,
        Right.RETRY_OPERATION,
        Right.ONBOARDING_LINK,
        Right.RESEND_WEBHOOKS,
        Right.EXPORT_RECORDS,
    ),
    FINANCE: (
        Right.REFUND,
        Right.APPROVE_REFUND,
        Right.CAPTURE,
        Right.CANCEL,
        Right.RESYNC,
        Right.RETRY_OPERATION,
        Right.REVIEW_OPERATION,
        Right.MEND_CASE,
        Right.CLOSE_CASE,
        Right.RUN_RECONCILIATION,
        Right.EXPORT_RECORDS,
    ),
    DEVELOPER_RELATIONS: (
        Right.ISSUE_TOKEN,
        Right.ROTATE_TOKEN,
        Right.REVOKE_TOKEN,
        Right.MANAGE_CALLERS,
        Right.MANAGE_WEBHOOK_ENDPOINTS,
        Right.RESEND_WEBHOOKS,
        Right.REPLAY_STRIPE_EVENTS,
    ),
}
# The records that are added and changed by forms.
FORMS_OF_DEVELOPER_RELATIONS = (
    "developers.add_developer",
    "developers.change_developer",
    "developers.add_app",
    "developers.change_app",
    "developers.add_revokedjsonwebtoken",
)


def permissions_of(group: str) -> list[str]:
    """All permissions of the group, as `User.has_perm` takes them."""
    seen = CALLERS_AND_EVENTS if group == DEVELOPER_RELATIONS else BOOKS
    forms = FORMS_OF_DEVELOPER_RELATIONS if group == DEVELOPER_RELATIONS else ()
    return [*views(seen), *forms, *(right.permission for right in RIGHTS[group])]


def write_groups(apps: Any) -> None:
    """Adds to each group what it does not have yet, and makes it where it is missing. For migrations, with their `apps`.

    Django writes permissions only after all migrations of a command, so those that are missing are made here, under the very
    names that Django would give them.
    """
    group_model = apps.get_model("auth", "Group")
    for name in RIGHTS:
        group, _ = group_model.objects.get_or_create(name=name)
        group.permissions.add(*(_permission(apps, permission) for permission in permissions_of(name)))


def _permission(apps: Any, permission: str) -> Any:
    app_label, codename = permission.split(".")
    model, name = _named(app_label, codename)
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app_label, model=model)
    found, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=codename, defaults={"name": name}
    )
    return found


def _named(app_label: str, codename: str) -> tuple[str, str]:
    """The model that a permission hangs on, and how Django calls the permission."""
    if app_label == "staff":
        return "staffaction", str(Right(codename).label)
    verb, model = codename.split("_")
    return model, f"Can {verb} {installed.get_model(app_label, model)._meta.verbose_name_raw}"
