"""Connected accounts as operators see them."""

from collections.abc import Iterable

from django.contrib import admin
from django.contrib.admin import display
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesDropdownFilter

from accounts.links import onboarding_url
from accounts.models import ConnectedAccount, Onboarding, Status
from accounts.operations import refresh_account, renew_onboarding_link
from accounts.readiness_admin import PayableFilter, readiness_briefing
from commercecore_payments.admin.actions import Asked, Done, confirmed_action
from commercecore_payments.admin.display import BAD, GOOD, MOVING, QUIET, WAITING, code, label, linked, pretty_json, status_in
from commercecore_payments.admin.export import ExportableAdmin
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import Briefing, ReadOnlyAdmin, RelatedTable
from disputes.admin import disputes_table
from disputes.models import Dispute
from gateway.admin import operations_about
from payouts.admin import payouts_table
from payouts.models import Payout
from reconciliation.by_worker import ask_for_run
from reconciliation.scope import Scope
from staff.rights import Right
from stripe_events.admin import stripe_events_about
from transactions.admin import payments_table
from transactions.models import Transaction
from webhooks.admin import events_about

STATUS_COLOURS: dict[str, str] = {
    Status.CREATING: MOVING,
    Status.ACTIVE: GOOD,
    Status.DELETING: MOVING,
    Status.FAILED: BAD,
}
ONBOARDING_COLOURS: dict[str, str] = {Onboarding.INCOMPLETE: WAITING, Onboarding.PENDING: MOVING, Onboarding.COMPLETE: GOOD}


@admin.register(ConnectedAccount)
class ConnectedAccountAdmin(ExportableAdmin, ReadOnlyAdmin):
    """The secret of the onboarding link is not among the fields: only the action that renews the link shows it."""

    list_display = (
        "__str__",
        "created_at",
        "email",
        "status_label",
        "onboarding_label",
        "charges_enabled",
        "payouts_enabled",
        "developer_link",
    )
    list_select_related = ("developer",)
    secret_fields = ("onboarding_link_nonce",)
    # Sellers are few beside their payments.
    date_hierarchy = "created_at"
    list_filter = (
        PayableFilter,
        ("status", ChoicesDropdownFilter),
        ("charges_enabled", BooleanRadioFilter),
        ("payouts_enabled", BooleanRadioFilter),
        ("details_submitted", BooleanRadioFilter),
        ("developer", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    search_fields = (
        "stripe_account_id__startswith",
        "email__icontains",
        "developer__id__startswith",
        "developer__name__icontains",
    )
    search_help_text = "An account's id, an email, a developer's id or name."
    actions_detail = ("read_from_stripe", "new_onboarding_link", "compare_its_books")
    export_fields = (
        "stripe_account_id",
        "email",
        "status",
        "country",
        "default_currency",
        "charges_enabled",
        "payouts_enabled",
        "details_submitted",
        "developer_id",
        "created_at",
        "updated_at",
        "deleted_at",
    )
    fieldsets = (
        (
            None,
            {"fields": ("status_label", "email", "onboarding_label", "charges_enabled", "payouts_enabled", "details_submitted")},
        ),
        ("At Stripe", {"fields": ("stripe_id", "country", "default_currency", "requirements_shown", "capabilities_shown")}),
        (
            "Record",
            {"fields": ("developer", "environment", "onboarding_link_expires_at", "created_at", "updated_at", "deleted_at")},
        ),
    )

    status_label = status_in(STATUS_COLOURS)
    developer_link = linked("developer")

    @display(description="onboarding")
    def onboarding_label(self, account: ConnectedAccount) -> str:
        return label(account.onboarding.label, ONBOARDING_COLOURS.get(account.onboarding, QUIET))

    @display(description="account at Stripe")
    def stripe_id(self, account: ConnectedAccount) -> str:
        return code(account.stripe_account_id)

    @display(description="requirements")
    def requirements_shown(self, account: ConnectedAccount) -> str:
        return pretty_json(account.requirements)

    @display(description="capabilities")
    def capabilities_shown(self, account: ConnectedAccount) -> str:
        return pretty_json(account.capabilities)

    def briefing(self, record: ConnectedAccount) -> Briefing | None:
        return readiness_briefing(record)

    def related_tables(self, record: ConnectedAccount) -> Iterable[RelatedTable]:
        payments = Transaction.objects.at(record)
        disputes, payouts = Dispute.objects.filter(account=record), Payout.objects.of_account(record)
        return [
            disputes_table(disputes, account__id__exact=record.pk),
            payments_table(payments, title="Latest transactions", account__id__exact=record.pk),
            payouts_table(payouts, account__id__exact=record.pk),
            events_about(record),
            stripe_events_about(record.stripe_account_id),
            operations_about(record),
        ]

    def actions_for(self, record: ConnectedAccount) -> tuple[str, ...]:
        """A deleted account is gone at Stripe too, and one that is still being made is not there yet."""
        return self.actions_detail if record.status == Status.ACTIVE else ()

    @confirmed_action(
        "Read from Stripe",
        right=Right.RESYNC,
        text="Asks Stripe for the account and takes over its state. Nothing is changed at Stripe.",
        icon="sync",
    )
    def read_from_stripe(self, record: ConnectedAccount, asked: Asked) -> Done:
        refresh_account(record)
        return Done(f"{record} at Stripe: onboarding {record.onboarding.label.lower()}.")

    @confirmed_action(
        "New onboarding link",
        right=Right.ONBOARDING_LINK,
        text="Makes a new link for the seller, good for 18 hours. One that was sent before stops working.",
        icon="add_link",
    )
    def new_onboarding_link(self, record: ConnectedAccount, asked: Asked) -> Done:
        renew_onboarding_link(record)
        expires_at = f"{record.onboarding_link_expires_at:%Y-%m-%d %H:%M} UTC"
        message = f"The new link works until {expires_at}; older ones are dead."
        return Done(message, secret_name=f"Onboarding link for {record.email}", secret=onboarding_url(record))

    @confirmed_action(
        "Compare its books",
        right=Right.RUN_RECONCILIATION,
        text=(
            "The worker compares all that belongs to the account with Stripe's books. It opens and closes cases, and mends "
            "nothing. That may take an hour where there are a million payments."
        ),
        icon="fact_check",
    )
    def compare_its_books(self, record: ConnectedAccount, asked: Asked) -> Done:
        run = ask_for_run(Scope(account_id=record.stripe_account_id), mends=False, asked_by=asked.operator)
        return Done(f"The worker begins run {run.pk} within moments.")
