"""What the tests of statements have of sellers' balances: payouts as they came about, and everything that is told of them."""

from datetime import timedelta

from gateway.client import stripe_client
from sandbox.timeline import due
from stripe_events.tests.arrivals import arrive, told_by_stripe, work

# Longer than money waits to be available, and a payout takes to the bank.
UNTIL_PAID_OUT = timedelta(days=6)


def days_pass(seller: str, by: timedelta = UNTIL_PAID_OUT) -> None:
    """What becomes due meanwhile is carried out, and Stripe's events about it arrive and are applied."""
    due.move_clock(by)
    arrive(told_by_stripe(seller))
    work()


def payouts_of(seller: str) -> list[str]:
    """The ids of the seller's payouts at Stripe, the newest first."""
    return [payout.id for payout in stripe_client().v1.payouts.list({}, {"stripe_account": seller}).data]


def paid_out(seller: str) -> str:
    """The id of the payout that Stripe makes of all that the seller has: days later it is at the bank."""
    due.move_clock(UNTIL_PAID_OUT)
    payouts = stripe_client().v1.payouts.list({}, {"stripe_account": seller})
    assert [payout.status for payout in payouts.data] == ["paid"]
    return payouts.data[0].id
