"""What Stripe's events about connected accounts mean here."""

from accounts.bring_up_to_date import delete_account_if_gone, read_account_again
from gateway.events import ReceivedEvent


def account_changed(event: ReceivedEvent) -> str:
    """`account.updated` and `capability.updated`: the account is read again. Raises as `read_account_again`."""
    return read_account_again(event.account_id)


def account_left(event: ReceivedEvent) -> str:
    """`account.application.deauthorized`: the seller has left the platform, unless they have come back since.

    Raises as `delete_account_if_gone`.
    """
    return delete_account_if_gone(event.account_id)
