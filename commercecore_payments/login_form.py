"""The form by which the staff logs in: what is no name is not looked for, and few passwords are judged at the same moment."""

from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth.models import User
from django.core.validators import MaxLengthValidator
from django.forms import ValidationError
from unfold.forms import AuthenticationForm

from commercecore_payments.serializers import is_clean

# Passwords that a process judges at once. Argon2 as Django sets it takes 100 MiB and a good part of a second for each, of wrong
# names too, and anybody may ask: 32 strangers at once kept every thread of a service, and its payments waited for 14 seconds.
# Two, since two colleagues may well begin their day in the same second.
JUDGED_AT_ONCE = 2
_places = BoundedSemaphore(JUDGED_AT_ONCE)

BUSY = "Others are logging in at this moment. Please try again."


class LoginForm(AuthenticationForm):  # type: ignore[misc]  # django-unfold has no types
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Django tells browsers alone how long a name is. One that no column holds would fail where failures are counted.
        longest = User._meta.get_field("username").max_length
        self.fields["username"].validators += [MaxLengthValidator(longest)]

    def clean_username(self) -> str:
        """Raises ValidationError for a name that no database holds: half of a surrogate pair in it, which is no text."""
        name: str = self.cleaned_data["username"]
        if not is_clean(name):
            raise self.get_invalid_login_error()
        return name

    def clean(self) -> dict[str, Any]:
        """Judges the password, unless as many are being judged: nobody waits for that, and keeps a thread from the payments."""
        if not _places.acquire(blocking=False):
            raise ValidationError(BUSY, code="busy")
        try:
            judged: dict[str, Any] = super().clean()
            return judged
        finally:
            _places.release()
