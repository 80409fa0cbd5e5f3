"""What can go wrong with connected accounts."""

from collections.abc import Sequence

from commercecore_payments.errors import Conflict, KeyAfterwards, NotFound


class AccountExists(Conflict):
    """The developer has an account with this email, which is not deleted."""

    code = "account_exists"
    message = "An account with this email already exists."  # documented


class AccountNotFound(NotFound):
    """There is no such account, or it is another developer's: the caller cannot tell which."""

    code = "account_not_found"
    message = "No such connected account."


class AccountInUse(Conflict):
    """It passes: the same request may succeed later, under the same Idempotency-Key too. Names the held transactions."""

    key_afterwards = KeyAfterwards.FREE
    code = "account_in_use"
    message = "The account cannot be deleted while payments are held or requests about it are open."

    def __init__(self, message: str | None = None, *, held: Sequence[str] = ()) -> None:
        super().__init__(message, extra={"held_transactions": list(held)} if held else {})


class LoginLinkRefused(Conflict):
    """Stripe makes no login link, most often since the onboarding is not finished. Documented as a 500."""

    documented_status = 500
    code = "onboarding_incomplete"


class OnboardingLinkDead(NotFound):
    code = "onboarding_link_expired"
    message = "This onboarding link has expired or was replaced by a newer one. Please ask for a new one."
