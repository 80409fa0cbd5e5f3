"""Developers, their apps and their tokens, as operators see and manage them."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from commercecore_payments.admin.actions import Asked, Done, confirmed_action
from commercecore_payments.admin.display import BAD, EMPTY, GOOD, QUIET, code, label, link, linked, list_address
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import RELATED_ROWS, RecordAdmin, RelatedTable
from developers.forms import NewTokenForm, RotationForm
from developers.models import App, Developer, DeveloperToken, RevokedJsonWebToken
from developers.operations import create_developer, issue_token, revoke_json_web_token, revoke_token, rotate_token
from staff.rights import Right
from transactions.admin import payments_table
from transactions.models import Transaction
from webhooks.admin import endpoints_of

DISABLED_TEXT = (
    "From the next request on, {} is refused everywhere, and no event is sent any more. "
    "Nothing is deleted, and it can be enabled again: what was on its way then goes on."
)


class CallerAdmin(RecordAdmin):
    """What a Developer and an App have in common: they can be disabled, and enabled again."""

    search_help_text = "An id, or a part of a name."
    list_filter: ClassVar[tuple[Any, ...]] = (("disabled_at", admin.EmptyFieldListFilter), ("created_at", DateRangeFilter))

    @display(description="name", ordering="name")
    def title(self, caller: Developer | App) -> str:
        """One that a JSON Web Token made known has no name until somebody gives it one."""
        return caller.name or caller.pk

    @display(description="state", ordering="disabled_at")
    def state(self, caller: Developer | App) -> str:
        return label("Disabled", BAD) if caller.disabled_at else label("Enabled", GOOD)

    @display(description="id", ordering="id")
    def identity(self, caller: Developer | App) -> str:
        return code(caller.pk)

    def _switch(self, record: Developer | App, *, disable: bool) -> Done:
        """Only where it is not so already: the moment of the first disabling stays."""
        rows = type(record)._default_manager.filter(pk=record.pk, disabled_at__isnull=disable)
        rows.update(disabled_at=clock.now() if disable else None)
        return Done(f"{record} is {'disabled' if disable else 'enabled'}.")


@admin.register(Developer)
class DeveloperAdmin(CallerAdmin):
    list_display = ("title", "created_at", "state", "identity")
    search_fields = ("id__startswith", "name__icontains")
    actions_detail = ("issue_developer_token", "disable", "enable")
    readonly_fields = ("identity", "state", "created_at", "disabled_at")
    fieldsets = ((None, {"fields": ("name", "identity", "state", "created_at", "disabled_at")}),)
    add_fieldsets = ((None, {"fields": ("name",), "description": "A developer begins with one app of the same name."}),)

    def save_model(self, request: HttpRequest, obj: Developer, form: Any, change: bool) -> None:
        """A new one is made as everywhere else, its first app with it."""
        if change:
            super().save_model(request, obj, form, change)
        else:
            made, _ = create_developer(name=obj.name)
            obj.pk, obj.created_at = made.pk, made.created_at

    def related_tables(self, record: Developer) -> Iterable[RelatedTable]:
        return [self._apps(record), self._tokens(record), self._accounts(record)]

    def _apps(self, developer: Developer) -> RelatedTable:
        rows = [(link(app, self.title(app)), app.created_at, self.state(app), code(app.pk), app.api_version or EMPTY)
                for app in developer.apps.all()[:RELATED_ROWS]]  # fmt: skip
        headers = ("App", "Created", "State", "Id", "API version")
        return RelatedTable("Apps", headers, rows, list_address(App, developer__id__exact=developer.pk), of=App)

    def _tokens(self, developer: Developer) -> RelatedTable:
        tokens = DeveloperToken.objects.filter(developer=developer)
        rows = [(link(token), token.created_at, token.name or EMPTY, token_state(token), token.expires_at or "never")
                for token in tokens[:RELATED_ROWS]]  # fmt: skip
        headers = ("Token", "Created", "Name", "State", "Expires")
        return RelatedTable(
            "Tokens", headers, rows, list_address(DeveloperToken, developer__id__exact=developer.pk), of=DeveloperToken
        )

    def _accounts(self, developer: Developer) -> RelatedTable:
        accounts = ConnectedAccount.objects.of(developer)
        rows = [(link(account), account.email, account.get_status_display(), account.onboarding.label, account.created_at)
                for account in accounts[:RELATED_ROWS]]  # fmt: skip
        headers = ("Connected account", "Email", "Status", "Onboarding", "Created")
        address = list_address(ConnectedAccount, developer__id__exact=developer.pk)
        return RelatedTable("Connected accounts", headers, rows, address, of=ConnectedAccount)

    def actions_for(self, record: Developer) -> tuple[str, ...]:
        return ("enable",) if record.disabled_at else ("issue_developer_token", "disable")

    @confirmed_action(
        "Issue a token",
        right=Right.ISSUE_TOKEN,
        text="The token opens the API for all of the developer's apps. It is shown once, right after it is made.",
        icon="key",
        form_class=NewTokenForm,
    )
    def issue_developer_token(self, record: Developer, asked: Asked) -> Done:
        token, text = issue_token(developer=record, name=asked.answers["name"], expires_at=asked.answers["expires_at"])
        end = f"{token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else "it is revoked"
        return Done(f"The token {token} was issued. It works until {end}.", secret_name=f"Token of {record}", secret=text)

    @confirmed_action(
        "Disable", right=Right.MANAGE_CALLERS, text=DISABLED_TEXT.format("the developer, with all apps and tokens,"), icon="block"
    )
    def disable(self, record: Developer, asked: Asked) -> Done:
        return self._switch(record, disable=True)

    @confirmed_action(
        "Enable",
        right=Right.MANAGE_CALLERS,
        text="The developer's apps and tokens work again, except those disabled or revoked.",
        icon="check",
    )
    def enable(self, record: Developer, asked: Asked) -> Done:
        return self._switch(record, disable=False)


@admin.register(App)
class AppAdmin(CallerAdmin):
    list_display = ("title", "created_at", "state", "identity", "developer_link", "api_version")
    list_select_related = ("developer",)
    list_filter = (*CallerAdmin.list_filter, ("developer", AutocompleteSelectFilter))
    search_fields = ("id__startswith", "name__icontains", "developer__id__startswith", "developer__name__icontains")
    autocomplete_fields = ("developer",)
    actions_detail = ("disable", "enable")
    readonly_fields = ("identity", "state", "created_at", "disabled_at")
    fieldsets = ((None, {"fields": ("name", "developer", "api_version", "identity", "state", "created_at", "disabled_at")}),)
    add_fieldsets = ((None, {"fields": ("developer", "name", "api_version")}),)

    developer_link = linked("developer")

    def get_readonly_fields(self, request: HttpRequest, obj: App | None = None) -> tuple[str, ...]:
        """An app never changes its developer."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "developer")

    def related_tables(self, record: App) -> Iterable[RelatedTable]:
        """Payments that were made past this service are no app's: they are at their developer's accounts."""
        payments = Transaction.objects.filter(app=record)
        return [
            endpoints_of(record),
            payments_table(payments, title="Latest transactions", app__id__exact=record.pk),
        ]

    def actions_for(self, record: App) -> tuple[str, ...]:
        return ("enable",) if record.disabled_at else ("disable",)

    @confirmed_action("Disable", right=Right.MANAGE_CALLERS, text=DISABLED_TEXT.format("the app"), icon="block")
    def disable(self, record: App, asked: Asked) -> Done:
        return self._switch(record, disable=True)

    @confirmed_action(
        "Enable", right=Right.MANAGE_CALLERS, text="The app may be used again with its developer's tokens.", icon="check"
    )
    def enable(self, record: App, asked: Asked) -> Done:
        return self._switch(record, disable=False)


def token_state(token: DeveloperToken) -> str:
    """Whether it works at this moment, and if not, why."""
    if token.revoked_at is not None:
        return label("Revoked", BAD)
    return label("Works", GOOD) if token.opens_at(clock.now()) else label("Expired", QUIET)


@admin.register(DeveloperToken)
class DeveloperTokenAdmin(RecordAdmin):
    """Tokens are issued on their developer's page: here one would be made without its text. Its hash is never shown."""

    list_display = ("__str__", "created_at", "name", "state", "expires_at", "developer_link")
    list_select_related = ("developer",)
    list_filter = (
        ("revoked_at", admin.EmptyFieldListFilter),
        ("developer", AutocompleteSelectFilter),
        ("created_at", DateRangeFilter),
    )
    secret_fields = ("digest",)
    search_fields = ("prefix__startswith", "name__icontains", "developer__id__startswith", "developer__name__icontains")
    search_help_text = "The first letters of a token, a part of its name, a developer's id or name."
    actions_detail = ("rotate", "revoke")
    fieldsets = (
        (None, {"fields": ("prefix", "name", "state", "developer", "environment", "expires_at", "revoked_at", "created_at")}),
    )

    developer_link = linked("developer")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="state")
    def state(self, token: DeveloperToken) -> str:
        return token_state(token)

    def actions_for(self, record: DeveloperToken) -> tuple[str, ...]:
        if record.revoked_at is not None:
            return ()
        return ("rotate", "revoke") if record.opens_at(clock.now()) else ("revoke",)

    @confirmed_action(
        "Rotate",
        right=Right.ROTATE_TOKEN,
        text="Issues a new token of the same name and expiry, which is shown once, and ends this one when you say so.",
        icon="autorenew",
        form_class=RotationForm,
    )
    def rotate(self, record: DeveloperToken, asked: Asked) -> Done:
        ends_at = asked.answers["old_ends_at"]
        token, text = rotate_token(token=record, old_ends_at=ends_at)
        end = f"works until {ends_at:%Y-%m-%d %H:%M} UTC" if ends_at is not None else "is revoked"
        message = f"The token {token} was issued in place of {record}, which {end}."
        return Done(message, secret_name=f"Token of {record.developer}", secret=text)

    @confirmed_action(
        "Revoke",
        right=Right.REVOKE_TOKEN,
        text="From the next request on, the token is refused. This cannot be undone.",
        icon="block",
    )
    def revoke(self, record: DeveloperToken, asked: Asked) -> Done:
        revoke_token(token=record)
        return Done(f"The token {record} is revoked.")


@admin.register(RevokedJsonWebToken)
class RevokedJsonWebTokenAdmin(RecordAdmin):
    list_display = ("jti", "kid", "reason", "revoked_at")
    list_filter = (("revoked_at", DateRangeFilter),)
    search_fields = ("jti__startswith", "kid__startswith", "reason__icontains")
    fields = ("kid", "jti", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: RevokedJsonWebToken, form: Any, change: bool) -> None:
        obj.pk = revoke_json_web_token(kid=obj.kid, jti=obj.jti, reason=obj.reason).pk
