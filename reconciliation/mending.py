"""Mending a difference without moving money: our record takes over what Stripe says, by the functions that settle it."""

import logging
from collections.abc import Callable, Mapping

from django.db import InterfaceError, OperationalError

from accounts.bring_up_to_date import bring_account_up_to_date
from commercecore_payments.errors import ServiceError
from disputes.operations import bring_dispute_up_to_date
from gateway.events import NotYet
from gateway.listing import get, pages
from payouts.operations import bring_payout_up_to_date
from reconciliation.books import Books
from reconciliation.differences import Difference
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from refunds.operations.bring_up_to_date import bring_refund_up_to_date, bring_refunds_up_to_date
from stripe_events.operations import apply_undelivered
from transactions.operations.bring_up_to_date import bring_payment_up_to_date

logger = logging.getLogger(__name__)

# What moves no money and breaks no rule of our records.
SAFE = (Proposal.RECORD, Proposal.TAKE_OVER)

Mend = Callable[[Difference, str], object]


def _mend_payment(found: Difference, account_id: str) -> None:
    """With its refunds and disputes, of which a payment that was not known here had none."""
    bring_payment_up_to_date(found.object_id, account_id=account_id, if_final=True)
    if found.type != DifferenceType.MISSING_HERE:
        return
    bring_refunds_up_to_date(found.object_id, account_id=account_id)
    for page in pages("/v1/disputes", account_id=account_id, parameters={"payment_intent": found.object_id}):
        for dispute in page:
            bring_dispute_up_to_date(dispute["id"], account_id=account_id)


def _mend_charge(found: Difference, account_id: str) -> None:
    """What a charge tells stands in its payment: what was received, and the sum of what went back."""
    intent_id = str(get(f"/v1/charges/{found.object_id}", account_id=account_id)["payment_intent"])
    bring_payment_up_to_date(intent_id, account_id=account_id, if_final=True)
    bring_refunds_up_to_date(intent_id, account_id=account_id)


MENDS: Mapping[ObjectKind, Mend] = {
    ObjectKind.ACCOUNT: lambda found, _: bring_account_up_to_date(found.object_id),
    ObjectKind.PAYMENT_INTENT: _mend_payment,
    ObjectKind.CHARGE: _mend_charge,
    ObjectKind.REFUND: lambda found, account_id: bring_refund_up_to_date(found.object_id, account_id=account_id),
    ObjectKind.DISPUTE: lambda found, account_id: bring_dispute_up_to_date(found.object_id, account_id=account_id),
    ObjectKind.PAYOUT: lambda found, account_id: bring_payout_up_to_date(found.object_id, account_id=account_id),
}


def is_mendable(proposal: str, kind: str) -> bool:
    """Whether `mend` can do something for it."""
    return proposal in SAFE and kind in MENDS


def mend(found: Difference, books: Books) -> str:
    """Mends it where that is safe; why it could not be done, or nothing where it was.

    That both sides agree afterwards is for the caller to see.
    """
    if not is_mendable(found.proposal, found.kind):
        return "It waits for a person."
    mend_one, account_id = MENDS[found.kind], books.account_id
    try:
        if found.type == DifferenceType.EVENT_NEVER_DELIVERED:
            apply_undelivered(str(found.there["event"]), account_id=account_id)
        mend_one(found, account_id)
    except NotYet as error:
        return str(error)
    except ServiceError as error:
        return error.message
    except (OperationalError, InterfaceError):
        raise  # the database is out of reach
    except Exception as error:  # whatever one object does to its mend, all others are still to be compared
        logger.exception("%s could not be mended", found.object_id)
        return f"It could not be mended: {type(error).__name__}. The log says more."
    return ""
