"""The operations of the API whose every crash point is swept: what each needs beforehand, and what its caller asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.client import stripe_client
from proofs.world import Tenant

# Minor units of the swept payments, and of the parts of them that are captured or given back.
AMOUNT_MINOR = 1000
PART_MINOR = 400
FEE_MINOR = 100
# Sandbox cards by what they do.
GOOD_CARD = "pm_card_visa"
DECLINED_CARD = "tok_chargeDeclined"
CHALLENGED_CARD = "pm_card_authenticationRequired"

ORDER = "swept-order"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of the API: its method, its path below /api/v1, and its body."""

    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)


# Brings about what the request needs, for a tenant and its onboarded seller; returns the request.
Prepare = Callable[[Tenant, str], Ask]


@dataclass(frozen=True, slots=True)
class SweptOperation:
    """`charges`: it is a confirmation, which must never take effect once its buyer has left. `status`: of its answer."""

    name: str
    prepare: Prepare
    status: int = 200
    charges: bool = False


def _paid(tenant: Tenant, seller: str, **more: Any) -> str:
    """The id of a transaction whose buyer has paid, or whose money is held where it is captured by hand."""
    transaction_id = _created(tenant, seller, **more)
    _must(tenant.post("/transactions/confirm", _confirmation(seller, transaction_id)))
    return transaction_id


def _created(tenant: Tenant, seller: str, **more: Any) -> str:
    return str(_must(tenant.post("/transactions", _creation(seller, **more)))["transaction_id"])


def _saved_card(tenant: Tenant, name: str = GOOD_CARD) -> str:
    return str(_must(tenant.post("/payment-methods", {"payment_method_id": name}))["payment_method_id"])


def _must(answer: Any) -> Any:
    """The data of an answer, which has to be a success: what is prepared is no part of the sweep."""
    if answer.status_code not in (200, 201):
        raise RuntimeError(f"The preparation was answered {answer.status_code}: {answer.content.decode()}")
    return answer.json()["data"]


def _creation(seller: str, **more: Any) -> dict[str, Any]:
    return {"order_id": ORDER, "account_id": seller, "amount": AMOUNT_MINOR, **more}


def _confirmation(seller: str, transaction_id: str, method: str = GOOD_CARD) -> dict[str, Any]:
    return {"account_id": seller, "transaction_id": transaction_id, "payment_method_id": method}


def _create_account(tenant: Tenant, seller: str) -> Ask:
    return Ask("POST", "/connected-accounts", {"email": "another@example.com"})


def _delete_account(tenant: Tenant, seller: str) -> Ask:
    return Ask("DELETE", f"/connected-accounts/{seller}")


def _create(**more: Any) -> Prepare:
    return lambda _, seller: Ask("POST", "/transactions", _creation(seller, **more))


def _create_again_with_another_amount(tenant: Tenant, seller: str) -> Ask:
    _created(tenant, seller)
    return Ask("POST", "/transactions", _creation(seller, amount=AMOUNT_MINOR + PART_MINOR))


def _confirm(card: str) -> Prepare:
    return lambda tenant, seller: Ask("POST", "/transactions/confirm", _confirmation(seller, _created(tenant, seller), card))


def _confirm_with_a_declined_card(tenant: Tenant, seller: str) -> Ask:
    """With a payment method that a browser has made, which Stripe names again in the decline."""
    made = stripe_client().v1.payment_methods.create(
        {"type": "card", "card": {"token": DECLINED_CARD}}, {"stripe_account": seller}
    )
    return Ask("POST", "/transactions/confirm", _confirmation(seller, _created(tenant, seller), made.id))


def _confirm_with_a_saved_card(tenant: Tenant, seller: str) -> Ask:
    card = _saved_card(tenant)
    return Ask("POST", "/transactions/confirm", _confirmation(seller, _created(tenant, seller), card))


def _of_a_hold(path: str, **body: Any) -> Prepare:
    """A request about a transaction whose money is held."""

    def prepare(tenant: Tenant, seller: str) -> Ask:
        """Holds the money first."""
        return Ask("POST", path.format(_paid(tenant, seller, capture_method="manual")), body)

    return prepare


def _cancel_unpaid(tenant: Tenant, seller: str) -> Ask:
    return Ask("POST", f"/transactions/{_created(tenant, seller)}/cancel")


def _refund(**body: Any) -> Prepare:
    def prepare(tenant: Tenant, seller: str) -> Ask:
        """Lets the buyer pay first."""
        _paid(tenant, seller)
        return Ask("POST", "/refunds", {"order_id": ORDER, "account_id": seller, **body})

    return prepare


def _refund_with_its_fee(tenant: Tenant, seller: str) -> Ask:
    _paid(tenant, seller, application_fee_amount=FEE_MINOR)
    stripe_client().v1.application_fees.list({})  # the fee comes a moment after its charge: it is there before the sweep
    fee_too = {"amount": PART_MINOR, "refund_application_fee": True}
    return Ask("POST", "/refunds", {"order_id": ORDER, "account_id": seller, **fee_too})


def _save_first_card(tenant: Tenant, seller: str) -> Ask:
    """The user's customer is made on the way."""
    return Ask("POST", "/payment-methods", {"payment_method_id": GOOD_CARD, "preferred": True})


def _save_second_card(tenant: Tenant, seller: str) -> Ask:
    _saved_card(tenant)
    return Ask("POST", "/payment-methods", {"payment_method_id": "pm_card_mastercard"})


def _prefer_card(tenant: Tenant, seller: str) -> Ask:
    _saved_card(tenant)
    return Ask("POST", f"/payment-methods/{_saved_card(tenant, 'pm_card_mastercard')}/preferred")


def _detach_card(tenant: Tenant, seller: str) -> Ask:
    return Ask("DELETE", f"/payment-methods/{_saved_card(tenant)}")


OPERATIONS: tuple[SweptOperation, ...] = (
    SweptOperation("create_account", _create_account, status=201),
    SweptOperation("delete_account", _delete_account),
    SweptOperation("create_transaction", _create(), status=201),
    SweptOperation("create_manual_transaction", _create(capture_method="manual", metadata={"shelf": "7"}), status=201),
    SweptOperation("update_transaction", _create_again_with_another_amount, status=201),
    SweptOperation("confirm", _confirm(GOOD_CARD), charges=True),
    SweptOperation("confirm_with_saved_card", _confirm_with_a_saved_card, charges=True),
    SweptOperation("confirm_with_challenge", _confirm(CHALLENGED_CARD), charges=True),
    SweptOperation("confirm_with_declined_card", _confirm_with_a_declined_card, status=402, charges=True),
    SweptOperation("capture_whole", _of_a_hold("/transactions/{}/capture")),
    SweptOperation("capture_part", _of_a_hold("/transactions/{}/capture", amount=PART_MINOR)),
    SweptOperation("cancel_hold", _of_a_hold("/transactions/{}/cancel")),
    SweptOperation("cancel_unpaid", _cancel_unpaid),
    SweptOperation("refund_whole", _refund(), status=201),
    SweptOperation("refund_part", _refund(amount=PART_MINOR), status=201),
    SweptOperation("refund_with_its_fee", _refund_with_its_fee, status=201),
    SweptOperation("save_first_card", _save_first_card, status=201),
    SweptOperation("save_second_card", _save_second_card, status=201),
    SweptOperation("prefer_card", _prefer_card),
    SweptOperation("detach_card", _detach_card),
)
