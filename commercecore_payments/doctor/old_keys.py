"""Which keys could be taken out of the configuration: docs/key-rotation.md."""

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Count

from commercecore_payments.clock import now
from commercecore_payments.doctor.verdicts import Verdict, fail, ok, warn
from commercecore_payments.key_rotation import STORES
from developers.models import DeveloperToken
from developers.tokens import hash_key_id

# A change on several machines begins with the new key behind the old one, where nothing needs it yet.
CURE = "Take out of the environment what is old, and leave what is about to become the first: docs/key-rotation.md."


def old_keys() -> Verdict:
    """Whether an old key is still configured though nothing needs it, and whether one is gone that tokens need."""
    lost = _tokens_without_a_key()
    if lost:
        told = f"{lost} developer tokens were hashed under a key that is configured no more: they do not work."
        return fail(told, "Put it back into TOKEN_HASH_KEY_FALLBACKS, or revoke them and issue others.")
    try:
        found = [*_hash_keys(), *_encryption_keys()]
    except ImproperlyConfigured as error:
        return fail(str(error), "Set it as .env.example shows it.")
    unneeded = [key for key, is_needed in found if not is_needed]
    if unneeded:
        return warn(f"Nothing needs {', '.join(unneeded)} now.", CURE)
    return ok(_told([key for key, _ in found]))


def _told(needed: list[str]) -> str:
    by_age = [name for name in ("SECRET_KEY_FALLBACKS", "LINK_SIGNING_KEY_FALLBACKS") if getattr(settings, name)]
    sentences = [f"Still needed: {', '.join(needed)}."] if needed else []
    sentences += [f"{' and '.join(by_age)} can go 18 hours after the change."] if by_age else []
    return " ".join(sentences) or "There are none."


def _working_tokens() -> dict[str, int]:
    """How many tokens that open something were hashed under each key, by its id."""
    working = DeveloperToken.objects.filter(revoked_at=None).exclude(expires_at__lte=now())
    return dict(working.order_by().values_list("hash_key_id").annotate(number=Count("pk")))


def _tokens_without_a_key() -> int:
    # Empty: issued by the release before, beside this one. Which key it had is not known.
    known = {"", *map(hash_key_id, (settings.TOKEN_HASH_KEY, *settings.TOKEN_HASH_KEY_FALLBACKS))}
    return sum(number for key_id, number in _working_tokens().items() if key_id not in known)


def _hash_keys() -> Iterator[tuple[str, bool]]:
    working = _working_tokens()
    for place, key in enumerate(settings.TOKEN_HASH_KEY_FALLBACKS, start=1):
        is_needed = bool(working.keys() & {"", hash_key_id(key)})
        yield f"key {place} of TOKEN_HASH_KEY_FALLBACKS", is_needed


def _encryption_keys() -> Iterator[tuple[str, bool]]:
    """Raises ImproperlyConfigured."""
    for store in STORES:
        for key_id in list(store.keys())[1:]:
            yield f"'{key_id}' of {store.setting}", store.needing(key_id).exists()
