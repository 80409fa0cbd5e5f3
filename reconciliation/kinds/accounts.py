"""Connected accounts at Stripe beside ours."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from accounts.models import ConnectedAccount
from gateway.errors import StripeConfigurationRefused
from gateway.listing import Page
from gateway.models import Kind, Operation
from gateway.operations import OPERATION_METADATA_KEY
from gateway.reads import ACCOUNT_HAS_LEFT
from reconciliation.books import Books, Comparison, one_by_id
from reconciliation.differences import Difference, Field, differing, in_words, moment, sides, told_in
from reconciliation.models import DifferenceType, ObjectKind, Proposal
from reconciliation.seen import SeenIds

PATH = "/v1/accounts"
# Closing accounts cannot be taken back: with the key of another platform, Stripe shows none of ours either.
ANOTHER_PLATFORM = "Stripe shows us none of the accounts that are in use here: is STRIPE_SECRET_KEY that of another platform?"


def compare(_books: Books, page: Page) -> list[Difference]:
    """What differs of these accounts."""
    ours = ConnectedAccount.objects.filter(stripe_account_id__in=[found["id"] for found in page])
    by_id = {account.stripe_account_id: account for account in ours}
    told = [_difference(by_id.get(found["id"]), found) for found in page]
    return [one for one in told if one is not None]


def _difference(account: ConnectedAccount | None, found: Mapping[str, Any]) -> Difference | None:
    if account is None:
        return _missing_here(found)
    if account.is_being_deleted:
        return None
    fields = [
        Field("status", "active" if account.is_active else account.status, "active", DifferenceType.STATE),
        *(
            Field(name, getattr(account, name), bool(found.get(name)), DifferenceType.STATE)
            for name in ("charges_enabled", "payouts_enabled", "details_submitted")
        ),
    ]
    differ = differing(fields if account.is_active else fields[:1])
    if not differ:
        return None
    here, there = sides(fields)
    return Difference(
        type=DifferenceType.STATE,
        kind=ObjectKind.ACCOUNT,
        object_id=found["id"],
        summary=f"The account's {in_words(differ)}.",
        proposal=Proposal.TAKE_OVER if account.is_active else Proposal.LOOK,
        here=here,
        there=there,
        record=account,
        account_id=account.stripe_account_id,
        created_at=moment(found.get("created")),
        changed_at=account.updated_at,
    )


def _missing_here(found: Mapping[str, Any]) -> Difference:
    named = told_in(found, OPERATION_METADATA_KEY)
    is_ours = bool(named) and Operation.objects.filter(pk=named, kind=Kind.ACCOUNT_CREATE).exists()
    whose = "was made by this service" if is_ours else "was made past this service"
    return Difference(
        type=DifferenceType.MISSING_HERE,
        kind=ObjectKind.ACCOUNT,
        object_id=found["id"],
        summary=f"Stripe has a connected account that {whose}, and there is no record of it here.",
        proposal=Proposal.LOOK,
        there={"email": found.get("email"), "metadata": found.get("metadata"), "charges_enabled": found.get("charges_enabled")},
        account_id=found["id"],
        created_at=moment(found.get("created")),
    )


def not_listed(books: Books, seen: SeenIds) -> Iterator[Difference]:
    """Accounts in use here that Stripe did not list."""
    ours = ConnectedAccount.objects.active().exclude(stripe_account_id="").order_by("pk")
    if books.scope.account_id:
        ours = ours.filter(stripe_account_id=books.scope.account_id)
    # As many as there are sellers: they are compared one by one besides, and so are held at once.
    accounts = [one for one in ours if books.scope.holds(moment(one.stripe_created))]
    missing = [one for one in accounts if one.stripe_account_id not in seen]
    is_another_platform = len(missing) == len(accounts) > 1
    for account in missing:
        found = missing_there(account)
        yield replace(found, proposal=Proposal.LOOK, summary=ANOTHER_PLATFORM) if is_another_platform else found


def missing_there(account: ConnectedAccount) -> Difference:
    """The seller has left the platform, or the account was deleted past this service."""
    return Difference(
        type=DifferenceType.MISSING_THERE,
        kind=ObjectKind.ACCOUNT,
        object_id=account.stripe_account_id,
        summary="The account is in use here, and Stripe does not show it to us any more.",
        proposal=Proposal.TAKE_OVER,
        here={"status": account.status, "email": account.email},
        record=account,
        account_id=account.stripe_account_id,
        created_at=moment(account.stripe_created),
        changed_at=account.updated_at,
    )


def look(_books: Books, difference: Difference) -> Page:
    return find(difference.object_id)


def find(account_id: str) -> Page:
    """The account as it is now; empty where it is gone, or has revoked our access. Raises as `gateway.reads.ask`."""
    try:
        return one_by_id(PATH, "", account_id)
    except StripeConfigurationRefused as error:
        if error.fault.code != ACCOUNT_HAS_LEFT:
            raise
        return []


def of_one(books: Books) -> list[Difference]:
    """What differs of the one account that is compared. Raises as `gateway.reads.ask`."""
    account = ConnectedAccount.objects.get(stripe_account_id=books.scope.account_id)
    found = find(account.stripe_account_id)
    if not found:
        return [missing_there(account)] if account.is_active else []
    return compare(books, found)


ACCOUNTS = Comparison(ObjectKind.ACCOUNT, PATH, compare, not_listed, look=look)
