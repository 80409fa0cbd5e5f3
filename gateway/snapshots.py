"""What Stripe told us, as frozen dataclasses: the only form in which Stripe's objects leave the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    id: str
    email: str
    country: str
    default_currency: str
    created: int  # seconds since 1970, as Stripe counts
    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool
    capabilities: Mapping[str, str]
    requirements: Mapping[str, Any]
    metadata: Mapping[str, str]

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        requirements = data.get("requirements") or {}
        return cls(
            id=data["id"],
            email=data.get("email") or "",
            country=data.get("country") or "",
            default_currency=data.get("default_currency") or "",
            created=data.get("created") or 0,
            charges_enabled=bool(data.get("charges_enabled")),
            payouts_enabled=bool(data.get("payouts_enabled")),
            details_submitted=bool(data.get("details_submitted")),
            capabilities=dict(data.get("capabilities") or {}),
            requirements={name: requirements.get(name) for name in REQUIREMENT_FIELDS}
            | ({"errors": requirements["errors"]} if requirements.get("errors") else {}),  # where something was wrong
            metadata=dict(data.get("metadata") or {}),
        )


# The fields of an account's `requirements` that tell a seller what is missing (docs.stripe.com/api/accounts/object).
REQUIREMENT_FIELDS = (
    "currently_due",
    "eventually_due",
    "past_due",
    "pending_verification",
    "current_deadline",
    "disabled_reason",
)


@dataclass(frozen=True, slots=True)
class PaymentError:
    """Why the last attempt at a payment or a setup did not go through; all texts, empty where Stripe gave none."""

    code: str = ""
    decline_code: str = ""
    message: str = ""
    payment_method_id: str = ""

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any] | None) -> Self:
        error = data or {}
        return cls(
            code=error.get("code") or "",
            decline_code=error.get("decline_code") or "",
            message=error.get("message") or "",
            payment_method_id=object_id(error.get("payment_method")),
        )


@dataclass(frozen=True, slots=True)
class PaymentIntentSnapshot:
    id: str
    status: str
    amount_minor: int
    amount_capturable_minor: int
    amount_received_minor: int
    application_fee_minor: int
    currency: str
    capture_method: str
    created: int  # seconds since 1970, as Stripe counts
    statement_descriptor_suffix: str
    latest_charge_id: str
    # Paid or held, whatever came of it since; False where there is no charge, or where it was not expanded.
    latest_charge_succeeded: bool
    # Of a hold, in seconds since 1970; None where there is none, or where the charge was not expanded.
    capture_before: int | None
    payment_method_id: str
    last_payment_error: PaymentError
    metadata: Mapping[str, str]
    # What the buyer needs to go on. Secret: handed to the caller, neither stored nor logged.
    client_secret: str = field(repr=False)
    next_action: Mapping[str, Any] | None = field(repr=False)

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            id=data["id"],
            status=data["status"],
            amount_minor=data["amount"],
            amount_capturable_minor=data.get("amount_capturable") or 0,
            amount_received_minor=data.get("amount_received") or 0,
            application_fee_minor=data.get("application_fee_amount") or 0,
            currency=data.get("currency") or "",
            capture_method=data.get("capture_method") or "",
            created=data.get("created") or 0,
            statement_descriptor_suffix=data.get("statement_descriptor_suffix") or "",
            latest_charge_id=object_id(data.get("latest_charge")),
            latest_charge_succeeded=_succeeded(data.get("latest_charge")),
            capture_before=_capture_before(data.get("latest_charge")),
            payment_method_id=object_id(data.get("payment_method")),
            last_payment_error=PaymentError.from_stripe(data.get("last_payment_error")),
            metadata=dict(data.get("metadata") or {}),
            client_secret=data.get("client_secret") or "",
            next_action=data.get("next_action"),
        )


@dataclass(frozen=True, slots=True)
class RefundSnapshot:
    id: str
    status: str
    failure_reason: str
    metadata: Mapping[str, str]
    amount_minor: int = 0
    currency: str = ""
    reason: str = ""
    payment_intent_id: str = ""  # empty for a charge that was made without one
    balance_transaction_id: str = ""  # empty while no money has moved

    @property
    def only_releases_a_hold(self) -> bool:
        """Whether it stands for what was held and not captured: Stripe counts it as refunded, and no money moved."""
        return self.status == "succeeded" and not self.balance_transaction_id

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            id=data["id"],
            status=data.get("status") or "pending",
            failure_reason=data.get("failure_reason") or "",
            metadata=dict(data.get("metadata") or {}),
            amount_minor=data.get("amount") or 0,
            currency=data.get("currency") or "",
            reason=data.get("reason") or "",
            payment_intent_id=object_id(data.get("payment_intent")),
            balance_transaction_id=object_id(data.get("balance_transaction")),
        )


@dataclass(frozen=True, slots=True)
class CustomerSnapshot:
    id: str

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        return cls(id=data["id"])


@dataclass(frozen=True, slots=True)
class PaymentMethodSnapshot:
    id: str
    type: str
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None
    customer_id: str  # empty where it is attached to none

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        card = data.get("card") or {}
        return cls(
            id=data["id"],
            type=data["type"],
            brand=card.get("brand") or "",
            last4=card.get("last4") or "",
            exp_month=card.get("exp_month"),
            exp_year=card.get("exp_year"),
            customer_id=object_id(data.get("customer")),
        )


@dataclass(frozen=True, slots=True)
class SetupIntentSnapshot:
    id: str
    status: str
    payment_method: PaymentMethodSnapshot | None
    last_setup_error: PaymentError
    client_secret: str = field(repr=False)
    next_action: Mapping[str, Any] | None = field(repr=False)

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        method = data.get("payment_method")
        return cls(
            id=data["id"],
            status=data["status"],
            payment_method=PaymentMethodSnapshot.from_stripe(method) if isinstance(method, Mapping) else None,
            last_setup_error=PaymentError.from_stripe(data.get("last_setup_error")),
            client_secret=data.get("client_secret") or "",
            next_action=data.get("next_action"),
        )


@dataclass(frozen=True, slots=True)
class DisputeSnapshot:
    id: str
    status: str
    reason: str
    amount_minor: int
    currency: str
    charge_id: str
    payment_intent_id: str  # empty for a charge that was made without one
    evidence_due_by: int | None  # seconds since 1970; None where no evidence is taken
    has_evidence: bool
    created: int  # seconds since 1970, as Stripe counts

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        evidence = data.get("evidence_details") or {}
        return cls(
            id=data["id"],
            status=data["status"],
            reason=data["reason"],
            amount_minor=data["amount"],
            currency=data["currency"],
            charge_id=object_id(data.get("charge")),
            payment_intent_id=object_id(data.get("payment_intent")),
            evidence_due_by=evidence.get("due_by"),
            has_evidence=bool(evidence.get("has_evidence")),
            created=data["created"],
        )


@dataclass(frozen=True, slots=True)
class BalanceSnapshot:
    """An account's money at Stripe: minor units by currency. `instant_available` is None where Stripe tells none."""

    available: Mapping[str, int]
    pending: Mapping[str, int]
    instant_available: Mapping[str, int] | None

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        instant = data.get("instant_available")
        return cls(
            available=_by_currency(data["available"]),
            pending=_by_currency(data["pending"]),
            instant_available=_by_currency(instant) if instant is not None else None,
        )


def _by_currency(amounts: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {one["currency"]: one["amount"] for one in amounts}


@dataclass(frozen=True, slots=True)
class PayoutSnapshot:
    id: str
    status: str
    amount_minor: int
    currency: str
    automatic: bool
    arrival_date: int | None  # seconds since 1970
    failure_code: str
    failure_message: str
    created: int  # seconds since 1970, as Stripe counts

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            id=data["id"],
            status=data["status"],
            amount_minor=data["amount"],
            currency=data["currency"],
            automatic=bool(data.get("automatic")),
            arrival_date=data.get("arrival_date"),
            failure_code=data.get("failure_code") or "",
            failure_message=data.get("failure_message") or "",
            created=data["created"],
        )


@dataclass(frozen=True, slots=True)
class LinkSnapshot:
    """A one-time address of Stripe's. Secret: handed on, neither stored nor logged."""

    url: str = field(repr=False)

    @classmethod
    def from_stripe(cls, data: Mapping[str, Any]) -> Self:
        return cls(url=data["url"])


Snapshot = (
    AccountSnapshot | PaymentIntentSnapshot | RefundSnapshot | CustomerSnapshot | PaymentMethodSnapshot | SetupIntentSnapshot
)


def _succeeded(charge: Any) -> bool:
    """A charge that holds money has succeeded, and stays so when the hold lapses (docs.stripe.com/api/charges/object)."""
    return isinstance(charge, Mapping) and charge.get("status") == "succeeded"


def _capture_before(charge: Any) -> int | None:
    """When a hold lapses, as the charge of its card tells (docs.stripe.com/payments/place-a-hold-on-a-payment-method)."""
    details = charge.get("payment_method_details") if isinstance(charge, Mapping) else None
    card = details.get("card") if isinstance(details, Mapping) else None
    return card.get("capture_before") if isinstance(card, Mapping) else None


def object_id(value: Any) -> str:
    """The id of a field that Stripe gives as an id, as the expanded object, or not at all."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return value or ""
