"""What can go wrong with connected accounts."""

from commercecore_payments.errors import Conflict, NotFound


class AccountExists(Conflict):
    code = "account_exists"
    message = "An account with this email already exists."  # documented


class AccountNotFound(NotFound):
    """There is no such account, or it is another developer's: the caller cannot tell which."""

    code = "account_not_found"
    message = "No such connected account."


class AccountInUse(Conflict):
    code = "account_in_use"
    message = "The account cannot be deleted while payments are held or requests about it are open."


class LoginLinkRefused(Conflict):
    """Stripe makes no login link, most often since the onboarding is not finished. Documented as a 500."""

    documented_status = 500
    code = "onboarding_incomplete"


class OnboardingLinkDead(NotFound):
    code = "onboarding_link_expired"
    message = "This onboarding link has expired or was replaced by a newer one. Please ask for a new one."
