"""Application fees (https://docs.stripe.com/api/application_fees): what the platform takes from a direct charge, and gives back.

They are the platform's objects: a connected account sees its own side of them in its balance transactions alone.
"""

from datetime import datetime
from typing import Any

from sandbox.api.errors import StripeError, resource_missing
from sandbox.api.pagination import DEFAULT_LIMIT, list_page
from sandbox.api.parameters import METADATA, Integer, Text, takes, takes_page
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import ledger
from sandbox.money.currencies import spoken
from sandbox.objects import ids, state
from sandbox.timeline import clock

PLATFORM = ""
LIST = takes_page(charge=Text())
RETRIEVE = takes()
REFUND = takes(amount=Integer(minimum=1), metadata=METADATA)
LIST_REFUNDS = takes_page()
RETRIEVE_REFUND = takes()
UPDATE_REFUND = takes(metadata=METADATA)


def list_(request: Request) -> dict[str, Any]:
    """Application fees, newest first, of a charge where one is named."""
    filters = {name: request.parameters[name] for name in ("charge",) if name in request.parameters}
    return list_page(request, "application_fee", "/v1/application_fees", **filters)


def retrieve(request: Request, fee: str) -> dict[str, Any]:
    """The application fee."""
    return state.addressed(request.account, "application_fee", fee, param="id").data


def refund(request: Request, fee: str) -> dict[str, Any]:
    """Gives a fee back to the connected account it was taken from, the rest of it where no amount is sent.

    Raises a 400 where nothing, or less than that, is left (the texts are unverified).
    """
    row = state.addressed(request.account, "application_fee", fee, param="id", lock=True)
    amount = _refundable_amount(row, request.parameters.get("amount"))
    given_back = give_back(row, amount, request.parameters.get("metadata", {}))
    # Stripe does not document how the connected account's books show a fee that is refunded alone: unverified.
    ledger.book(
        account=row.data["account"],
        type="adjustment",
        amount=amount,
        currency=row.data["currency"],
        source=given_back.stripe_id,
        reporting_category="other_adjustment",
        description=f"Application fee refund for {row.data['charge']}",
    )
    return given_back.data


def list_refunds(request: Request, fee: str) -> dict[str, Any]:
    """A fee's refunds, newest first."""
    state.addressed(request.account, "application_fee", fee, param="id")
    return list_page(request, "fee_refund", _refunds_url(fee), data__fee=fee)


def retrieve_refund(request: Request, fee: str, refund: str) -> dict[str, Any]:
    """One of a fee's refunds."""
    return _refund_of(request, fee, refund).data


def update_refund(request: Request, fee: str, refund: str) -> dict[str, Any]:
    """Changes the metadata of a fee's refund, all that can be changed of it."""
    of_fee = state.addressed(request.account, "application_fee", fee, param="id", lock=True)
    row = _refund_of(request, fee, refund, lock=True)
    if "metadata" in request.parameters:
        row.data["metadata"] = state.merged_metadata(row.data["metadata"], request.parameters["metadata"])
        state.save(row)
        _show_refunds(of_fee)
    return row.data


def collect(charge: SandboxObject, amount: int, available_on: datetime) -> SandboxObject:
    """The fee that the platform takes from a locked charge, in minor units, and its balance transaction."""
    data = _fresh(charge, amount)
    booked = ledger.book(
        account=PLATFORM,
        type="application_fee",
        amount=amount,
        currency=data["currency"],
        source=data["id"],
        reporting_category="platform_earning",
        description=charge.data["description"] or "",
        available_on=available_on,
    )
    return state.insert(account=PLATFORM, data=data | {"balance_transaction": booked.stripe_id})


def require_one(charge: SandboxObject) -> None:
    """Raises a 400 for a charge without a fee, which a refund cannot give back; of a pending charge, one that will have none."""
    pending = charge.data["status"] == "pending"
    if not charge.data["application_fee_amount" if pending else "application_fee"]:
        # Stripe's text is unverified.
        raise StripeError(
            f"Charge {charge.stripe_id} has no application fee to refund. Remove `refund_application_fee`.",
            param="refund_application_fee",
        )


def give_back_share(charge: SandboxObject, refunded: int) -> int:
    """Refunds the part of a charge's fee that belongs to a refund of `refunded` minor units; answers how much that is.

    "Otherwise, the application fee will be refunded in an amount proportional to the amount of the charge refunded": the SDK
    on `refund_application_fee`. That half a unit is rounded up is unverified, and so is
    that each part is rounded by itself: three thirds of a fee of 100 give back 99. Raises a 400 for a charge without a fee.
    """
    require_one(charge)
    fee = state.referred(PLATFORM, "application_fee", charge.data["application_fee"], param="application_fee", lock=True)
    captured = charge.data["amount_captured"]
    share = (2 * fee.data["amount"] * refunded + captured) // (2 * captured)
    amount: int = min(share, fee.data["amount"] - fee.data["amount_refunded"])
    if amount:
        give_back(fee, amount, {})
    return amount


def give_back(fee: SandboxObject, amount: int, metadata: dict[str, str]) -> SandboxObject:
    """A refund of a locked fee, in minor units, and what it takes from the platform's balance."""
    refund_id = ids.new_stripe_id("fee_refund")
    booked = ledger.book(
        account=PLATFORM,
        type="application_fee_refund",
        amount=-amount,
        currency=fee.data["currency"],
        source=refund_id,
        reporting_category="platform_earning_refund",
        description="REFUND FOR APPLICATION FEE",
    )
    data = {
        "id": refund_id,
        "object": "fee_refund",
        "amount": amount,
        "balance_transaction": booked.stripe_id,
        "created": clock.now_seconds(),
        "currency": fee.data["currency"],
        "fee": fee.stripe_id,
        "metadata": state.merged_metadata({}, metadata),
    }
    row = state.insert(account=PLATFORM, data=data)
    fee.data["amount_refunded"] += amount
    fee.data["refunded"] = fee.data["amount_refunded"] == fee.data["amount"]
    _show_refunds(fee)
    return row


def _refundable_amount(fee: SandboxObject, asked: int | None) -> int:
    currency = fee.data["currency"]
    left: int = fee.data["amount"] - fee.data["amount_refunded"]
    if left == 0:
        raise StripeError(f"Application fee {fee.stripe_id} has already been refunded.")
    if asked is not None and asked > left:
        raise StripeError(
            f"Refund amount ({spoken(asked, currency)}) is greater than unrefunded amount on fee ({spoken(left, currency)})",
            param="amount",
        )
    return left if asked is None else asked


def _refund_of(request: Request, fee: str, refund: str, *, lock: bool = False) -> SandboxObject:
    row = state.addressed(request.account, "fee_refund", refund, param="id", lock=lock)
    if row.data["fee"] != fee:
        raise resource_missing("fee_refund", refund, "id", status=404)
    return row


def _show_refunds(fee: SandboxObject) -> None:
    """Renews the list of refunds that a fee carries with it."""
    rows = SandboxObject.objects.filter(account=PLATFORM, object_type="fee_refund", data__fee=fee.stripe_id).order_by("-id")
    page = list(rows[: DEFAULT_LIMIT + 1])
    fee.data["refunds"] |= {"data": [row.data for row in page[:DEFAULT_LIMIT]], "has_more": len(page) > DEFAULT_LIMIT}
    state.save(fee)


def _refunds_url(fee: str) -> str:
    return f"/v1/application_fees/{fee}/refunds"


def _fresh(charge: SandboxObject, amount: int) -> dict[str, Any]:
    fee_id = ids.new_stripe_id("application_fee")
    return {
        "id": fee_id,
        "object": "application_fee",
        "account": charge.account,
        "amount": amount,
        "amount_refunded": 0,
        "application": charge.data["application"],
        "balance_transaction": None,
        "charge": charge.stripe_id,
        "created": clock.now_seconds(),
        "currency": charge.data["currency"],
        "fee_source": {"charge": charge.stripe_id, "type": "charge"},
        "livemode": False,
        "originating_transaction": None,
        "refunded": False,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": _refunds_url(fee_id)},
    }
