"""Failed logins as operators see them. They are forgotten when they lock nobody out any more."""

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import display

from commercecore_payments.admin.display import BAD, WAITING, label
from commercecore_payments.admin.records import ReadOnlyAdmin


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """What was typed besides the name is not among the fields."""

    list_display = ("name", "attempt_time", "state", "failures", "ip_address", "user_agent")
    list_display_links = ("name",)
    secret_fields = ("get_data", "post_data")
    search_fields = ("username__startswith", "ip_address__startswith")
    search_help_text = "The beginning of a username or of an address."
    ordering = ("-attempt_time", "-id")
    fieldsets = ((None, {"fields": ("name", "state", "failures", "attempt_time", "ip_address", "user_agent", "path_info")}),)

    def name_of(self, record: AccessAttempt) -> str:
        return f"Failed logins of {record.username}"

    @display(description="username", ordering="username")
    def name(self, attempt: AccessAttempt) -> str:
        return attempt.username or "(none)"

    @display(description="failures", ordering="failures_since_start")
    def failures(self, attempt: AccessAttempt) -> str:
        return str(attempt.failures_since_start)

    @display(description="state")
    def state(self, attempt: AccessAttempt) -> str:
        """Of this browser alone: the name may be locked out by what others tried."""
        locked = attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT
        return label("Locked out", BAD) if locked else label("May try again", WAITING)
