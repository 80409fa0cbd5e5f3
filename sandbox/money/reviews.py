"""Reviews of risky payments (https://docs.stripe.com/radar/reviews): opened by a rule, closed by what becomes of them."""

from typing import Any

from sandbox.api.errors import StripeError
from sandbox.models import SandboxObject
from sandbox.money.cards import Card
from sandbox.objects import ids, journal, state
from sandbox.timeline import clock

# Stripe reviews what it finds riskier than usual, and blocks what it finds riskier still: the test card …9235 "succeeds with
# a risk_level of elevated and is placed into review" (https://docs.stripe.com/testing#fraud-prevention).
REVIEWED_RISK = "elevated"


def open_for_risk(intent: SandboxObject, charge: SandboxObject, card: Card) -> None:
    """Opens a review of a payment that the bank has approved, where its risk asks for one. The caller saves the intent.

    A payment that is only held is reviewed as well, which is what holding it is for.
    """
    if card.risk_level != REVIEWED_RISK:
        return
    row = state.insert(account=charge.account, data=_fresh(intent, charge))
    for reviewed in (intent, charge):
        reviewed.data["review"] = row.stripe_id
    state.save(charge)


def approve(account: str, review: str) -> SandboxObject:
    """Closes the review of this id, for its payment is fine. Raises a 404 where there is none.

    Raises a 400 where it is closed already (the text is unverified).
    """
    row = state.addressed(account, "review", review, param="id", lock=True)
    if not row.data["open"]:
        raise StripeError(f"The review {row.stripe_id} is already closed: {row.data['closed_reason']}.")
    close(row, "approved")
    return row


def order_approval(review: str) -> None:
    """Approves the review of this id, under whichever account, as `approve` does."""
    with journal.change():
        approve(state.anywhere(("review",), review, param="id").account, review)


def close(row: SandboxObject, reason: str) -> None:
    """Closes a locked review for one of the SDK's reasons; one that is closed keeps its first reason."""
    if row.data["open"]:
        row.data |= {"closed_reason": reason, "open": False, "reason": reason}
        state.save(row)


def close_of(reviewed: SandboxObject, reason: str) -> None:
    """Closes the review of a charge or a payment intent, where it has one that is open."""
    if reviewed.data["review"]:
        close(state.addressed(reviewed.account, "review", reviewed.data["review"], param="review", lock=True), reason)


def close_refunded(charge: SandboxObject, reason: str | None) -> None:
    """Closes the review of a charge that was refunded whole; `reason` is that of the refund which took the last of it.

    That a refund in part leaves the review open, and that one which is pending or fails later counts, are unverified.
    """
    if charge.data["refunded"]:
        close_of(charge, "refunded_as_fraud" if reason == "fraudulent" else "refunded")


def _fresh(intent: SandboxObject, charge: SandboxObject) -> dict[str, Any]:
    address = charge.data["billing_details"]["address"] or {}
    return {
        "id": ids.new_stripe_id("review"),
        "object": "review",
        "billing_zip": address.get("postal_code"),
        # Null beside a payment intent: so in Stripe's example (https://docs.stripe.com/api/radar/reviews/object).
        "charge": None,
        "closed_reason": None,
        "created": clock.now_seconds(),
        "ip_address": None,
        "ip_address_location": None,
        "livemode": False,
        "open": True,
        "opened_reason": "rule",
        "payment_intent": intent.stripe_id,
        "reason": "rule",
        "session": None,
    }
