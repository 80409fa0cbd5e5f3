"""Idempotency keys as operators see them: whose they are and what became of them. The answers are for their callers alone."""

from django.contrib import admin
from django.contrib.admin import display
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from commercecore_payments.admin.display import EMPTY, code, linked
from commercecore_payments.admin.filters import DateRangeFilter
from commercecore_payments.admin.records import ReadOnlyAdmin
from idempotency.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("key_code", "created_at", "developer_link", "app_code", "answered_at", "status")
    list_select_related = ("developer",)
    list_filter = (("developer", AutocompleteSelectFilter), ("created_at", DateRangeFilter))
    secret_fields = ("fingerprint", "answer")
    search_fields = ("key__startswith", "app_id__startswith")
    search_help_text = "The beginning of a key, or an app's id."
    fieldsets = (
        (None, {"fields": ("key_code", "status", "answered_at", "version", "encryption_key_id")}),
        ("Attempts", {"fields": ("created_at", "times_begun", "held_until")}),
        ("Caller", {"fields": ("environment", "developer", "app_code")}),
    )

    developer_link = linked("developer")

    @display(description="key", ordering="key")
    def key_code(self, row: IdempotencyKey) -> str:
        return code(row.key)

    @display(description="app")
    def app_code(self, row: IdempotencyKey) -> str:
        return code(row.app_id) if row.app_id else EMPTY

    @display(description="times begun")
    def times_begun(self, row: IdempotencyKey) -> str:
        return str(row.attempt)

    @display(description="API version")
    def version(self, row: IdempotencyKey) -> str:
        return row.api_version or EMPTY

    @display(description="answered with")
    def status(self, row: IdempotencyKey) -> str:
        return str(row.status_code) if row.status_code is not None else EMPTY
