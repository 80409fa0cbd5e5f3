"""Payouts (https://docs.stripe.com/api/payouts): made by hand, and read, whoever made them."""

from typing import Any

from sandbox.api.errors import StripeError, account_invalid
from sandbox.api.pagination import list_page
from sandbox.api.parameters import METADATA, Choice, Integer, Text, required, takes, takes_page
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import ledger, payouts
from sandbox.objects import state

CREATE = takes(
    amount=required(Integer(minimum=1)),
    currency=required(Text()),
    description=Text(),
    metadata=METADATA,
    method=Choice(("standard",)),  # the test bank account takes no instant payouts, as its object says
    statement_descriptor=Text(maximum=22),  # the limit of the SDK's types
).refusing("destination payout_method source_type")
RETRIEVE = takes()
UPDATE = takes(metadata=METADATA)
CANCEL = takes()
LIST = takes_page(status=Choice(("pending", "in_transit", "paid", "failed", "canceled"))).refusing("arrival_date destination")


def create(request: Request) -> dict[str, Any]:
    """Sends available money to the account's bank.

    Raises a 400 where there is no bank account, (payouts_not_allowed) where the account's payouts are disabled, and
    (balance_insufficient) where less than the amount is available.
    """
    sent = request.parameters
    currency = sent["currency"].lower()
    account = _account_with_bank(request, currency)
    if sent["amount"] > ledger.available(account.stripe_id, currency):
        raise StripeError(
            "You have insufficient available funds in your Stripe account for this payout.", code="balance_insufficient"
        )
    metadata = state.merged_metadata({}, sent.get("metadata", {}))
    wish = payouts.Wish(sent.get("description"), metadata, sent.get("statement_descriptor"))
    return payouts.make(account, currency, sent["amount"], wish, automatic=False).data


def retrieve(request: Request, payout: str) -> dict[str, Any]:
    """The payout."""
    return state.addressed(request.account, "payout", payout, param="id").data


def list_(request: Request) -> dict[str, Any]:
    """Payouts, newest first, of one status where it is named."""
    filters = {"data__status": request.parameters["status"]} if "status" in request.parameters else {}
    return list_page(request, "payout", "/v1/payouts", **filters)


def update(request: Request, payout: str) -> dict[str, Any]:
    """Changes a payout's metadata, all that can be changed of it."""
    row = state.addressed(request.account, "payout", payout, param="id", lock=True)
    if "metadata" in request.parameters:
        row.data["metadata"] = state.merged_metadata(row.data["metadata"], request.parameters["metadata"])
        state.save(row)
    return row.data


def cancel(request: Request, payout: str) -> dict[str, Any]:
    """Takes back a payout that is pending and was made by hand; raises a 400 for any other (text unverified)."""
    row = state.addressed(request.account, "payout", payout, param="id", lock=True)
    if row.data["automatic"]:
        raise StripeError("Payouts that Stripe made automatically cannot be canceled.")
    if row.data["status"] != "pending":
        raise StripeError(f"This payout has the status {row.data['status']}; only a pending one can be canceled.")
    payouts.cancel(row)
    return row.data


def _account_with_bank(request: Request, currency: str) -> SandboxObject:
    """The account, locked: of two payouts at once, the second one sees what the first has left."""
    account = state.find("", "account", request.account, lock=True) if request.account else None
    if account is not None and account.deleted:  # since the request was let in
        raise account_invalid(request.key, request.account)
    if account is None or payouts.bank_account(account) is None:
        # The text is [reported]; the platform is never onboarded in the sandbox, and has no bank account.
        raise StripeError(f"Sorry, you don't have any external accounts in that currency ({currency}).")
    if not account.data["payouts_enabled"]:
        # The code is one of https://docs.stripe.com/error-codes; that it stands here, and the text, are unverified.
        raise StripeError("Payouts have been disabled on this account.", code="payouts_not_allowed")
    return account
