"""What the tests of refunds read of them, of their charges and of the books."""

from typing import Any

from sandbox.tests.conftest import Options, Services

# Settings of an account whose balance has to cover every refund.
COVERED = {"settings": {"payouts": {"debit_negative_balances": False}}}


def nets(v1: Services, account: Options | None) -> list[tuple[str, int]]:
    """What an account's books say, oldest first."""
    return [(booked.type, booked.net) for booked in v1.balance_transactions.list(None, account).data][::-1]


def told(v1: Services, account: Options, since: int) -> list[str]:
    """The names of the events about refunds and charges, oldest first, without the first ones."""
    names = [event.type for event in v1.events.list({"limit": 100}, account).data][::-1]
    return [name for name in names if name.startswith(("refund.", "charge."))][since:]


def status_of(v1: Services, account: Options, refund: Any) -> tuple[str, str | None]:
    """The status of a refund now, and why it is pending or failed."""
    now = v1.refunds.retrieve(refund.id, None, account)
    return now.status, getattr(now, "pending_reason", None) or getattr(now, "failure_reason", None)


def refunded(v1: Services, account: Options, refund: Any) -> tuple[int, bool]:
    """What the refund's charge counts as refunded."""
    charge = v1.charges.retrieve(refund.charge, None, account)
    return charge.amount_refunded, charge.refunded
