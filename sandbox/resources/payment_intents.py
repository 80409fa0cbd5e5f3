"""Payment intents (https://docs.stripe.com/api/payment_intents): made, read, changed. Their moves stand beside this file."""

from typing import Any

from sandbox.api.errors import ParameterRefused, unexpected_state
from sandbox.api.pagination import list_page
from sandbox.api.parameters import (
    METADATA,
    SHIPPING,
    Boolean,
    Choice,
    Email,
    Integer,
    Kind,
    Parameter,
    Text,
    WebAddress,
    required,
    takes,
    takes_page,
    unsettable,
)
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import currencies, payments
from sandbox.objects import ids, state
from sandbox.resources import bank_debit_terms, payment_methods
from sandbox.resources.confirmation import (
    AUTOMATIC,
    OFF_SESSION,
    OPTIONS,
    TYPES,
    Removed,
    choose_types,
    confirm_row,
    require_own_method,
)
from sandbox.timeline import clock

CHANGEABLE = ("requires_payment_method", "requires_confirmation", "requires_action")

_COMMON: dict[str, Kind | Parameter] = {
    "application_fee_amount": unsettable(Integer(minimum=0)),
    "capture_method": Choice(("automatic", "automatic_async", "manual")),
    "customer": Text(),
    "description": unsettable(Text(maximum=1000)),
    "metadata": METADATA,
    "payment_method": Text(),
    "payment_method_options": unsettable(OPTIONS),
    "payment_method_types": Removed(),
    "receipt_email": unsettable(Email()),
    "setup_future_usage": unsettable(Choice(("off_session", "on_session"))),
    "shipping": unsettable(SHIPPING),
    "statement_descriptor": unsettable(Text(maximum=22)),
    "statement_descriptor_suffix": unsettable(Text(maximum=22)),
    "transfer_group": Text(),
}
_NOT_YET = (
    "amount_details customer_account excluded_payment_method_types hooks payment_details payment_method_configuration "
    "payment_method_data transfer_data"
)
CREATE = takes(
    amount=required(Integer(minimum=1)),
    currency=required(Text(maximum=3)),
    allowed_payment_method_types=TYPES,
    automatic_payment_methods=AUTOMATIC,
    confirm=Boolean(),
    confirmation_method=Choice(("automatic", "manual")),
    error_on_requires_action=Boolean(),
    mandate_data=bank_debit_terms.MANDATE_DATA,
    off_session=OFF_SESSION,
    return_url=WebAddress(),
    use_stripe_sdk=Boolean(),
    **_COMMON,
).refusing(f"{_NOT_YET} confirmation_token mandate on_behalf_of radar_options")
UPDATE = takes(
    amount=Integer(minimum=1),
    currency=Text(maximum=3),
    allowed_payment_method_types=TYPES,
    **_COMMON,
).refusing(_NOT_YET)
RETRIEVE = takes().refusing("client_secret")
LIST = takes_page(customer=Text())

_ONLY_WITH_CONFIRM = ("error_on_requires_action", "mandate_data", "off_session", "return_url", "use_stripe_sdk")
_PLAIN = (
    "application_fee_amount", "capture_method", "customer", "description", "receipt_email", "setup_future_usage",
    "shipping", "statement_descriptor", "statement_descriptor_suffix", "transfer_group", "confirmation_method",
)  # fmt: skip
# What no longer changes once the payment is on its way.
_FIXED_LATER = (
    "amount", "currency", "customer", "payment_method", "application_fee_amount", "capture_method",
    "allowed_payment_method_types",
)  # fmt: skip


def create(request: Request) -> dict[str, Any]:
    """A new payment intent, confirmed at once where `confirm` says so."""
    sent = request.parameters
    if not sent.get("confirm"):
        _refuse_confirm_parameters(sent)
    row = state.insert(account=request.account, data=_fresh(request.account))
    choose_types(row.data, sent)
    _apply(row, sent)
    state.save(row)
    if sent.get("confirm"):
        confirm_row(row, sent)
    return row.data


def retrieve(request: Request, intent: str) -> dict[str, Any]:
    """The payment intent."""
    return state.addressed(request.account, "payment_intent", intent, param="intent").data


def update(request: Request, intent: str) -> dict[str, Any]:
    """Changes what was sent. Raises a 400 for what the intent's status no longer lets change."""
    row = state.addressed(request.account, "payment_intent", intent, param="intent", lock=True)
    _refuse_late_changes(row, request.parameters)
    if "allowed_payment_method_types" in request.parameters:
        choose_types(row.data, request.parameters)
    _apply(row, request.parameters)
    state.save(row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """Payment intents, newest first, of a customer where one is named."""
    customer = request.parameters.get("customer")
    return list_page(request, "payment_intent", "/v1/payment_intents", **({"customer": customer} if customer else {}))


def check_amount(amount: int, currency: str) -> None:
    """Raises a 400 for an amount that Stripe does not charge in this currency (https://docs.stripe.com/currencies)."""
    minimum = currencies.MINIMUM_AMOUNTS.get(currency, 1)
    if amount < minimum:
        message = f"Amount must be at least {currencies.spoken(minimum, currency)} {currency}"
        raise ParameterRefused(message, code="amount_too_small", param="amount")
    if amount > currencies.MAXIMUM_AMOUNT:
        message = f"Amount must be no more than {currencies.spoken(currencies.MAXIMUM_AMOUNT, currency)}"
        raise ParameterRefused(message, code="amount_too_large", param="amount")
    if amount % currencies.step(currency):  # Stripe's text is unverified
        raise ParameterRefused(f"Invalid amount: must be a multiple of {currencies.step(currency)} in {currency}", param="amount")


def _refuse_confirm_parameters(sent: dict[str, Any]) -> None:
    for name in _ONLY_WITH_CONFIRM:
        if name in sent:  # "can only be used with confirm=true": the SDK's own words; Stripe's text is unverified
            raise ParameterRefused(f"The parameter {name} can only be used with `confirm` set to true.", param=name)


def _refuse_late_changes(row: SandboxObject, sent: dict[str, Any]) -> None:
    status = row.data["status"]
    late = [name for name in _FIXED_LATER if name in sent]
    if status in CHANGEABLE or not late:
        return
    raise unexpected_state(
        f"This PaymentIntent's {late[0]} could not be updated because it has a status of {status}. You may only update the "
        f"{late[0]} of a PaymentIntent with one of the following statuses: {', '.join(CHANGEABLE)}.",
        row.data,
    )


def _apply(row: SandboxObject, sent: dict[str, Any]) -> None:
    data = row.data
    _apply_amount(data, sent)
    for name in _PLAIN:
        if name in sent:
            data[name] = None if sent[name] == "" else sent[name]
    payments.check_application_fee(row.account, data["application_fee_amount"], data["amount"])
    if {"allowed_payment_method_types", "capture_method", "currency"} & set(sent):
        bank_debit_terms.require_possible(row)
    if "customer" in sent:
        state.referred(row.account, "customer", sent["customer"], param="customer")
    if "payment_method_options" in sent:
        data["payment_method_options"] |= sent["payment_method_options"] or {}
    if "metadata" in sent:
        data["metadata"] = state.merged_metadata(data["metadata"], sent["metadata"])
    if "payment_method" in sent:
        method = payment_methods.usable(row.account, sent["payment_method"])
        require_own_method(row, method)
        data["payment_method"] = method.stripe_id
    if {"amount", "currency", "payment_method"} & set(sent):
        row.hidden.pop("authenticated", None)  # the buyer agreed to something else
    _settle_status(data, sent)


def _apply_amount(data: dict[str, Any], sent: dict[str, Any]) -> None:
    if "currency" in sent:
        data["currency"] = sent["currency"].lower()
        if data["currency"] not in currencies.SUPPORTED:
            raise ParameterRefused(f"Invalid currency: {data['currency']}.", param="currency")
    data["amount"] = sent.get("amount", data["amount"])
    if "amount" in sent or "currency" in sent:
        check_amount(data["amount"], data["currency"])


def _settle_status(data: dict[str, Any], sent: dict[str, Any]) -> None:
    """An intent with a method waits for confirmation; a challenge for the old method or amount is over."""
    if data["status"] == "requires_payment_method" and data["payment_method"]:
        data["status"] = "requires_confirmation"
    if data["status"] == "requires_action" and {"amount", "currency", "payment_method"} & set(sent):
        data |= {"status": "requires_confirmation", "next_action": None}


def _fresh(account: str) -> dict[str, Any]:
    intent_id = ids.new_stripe_id("payment_intent")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": 0,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": ids.APPLICATION if account else None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        # "automatic_async" since 2024-04-10: https://docs.stripe.com/payments/payment-intents/asynchronous-capture.
        "capture_method": "automatic_async",
        "client_secret": ids.new_client_secret(intent_id),
        "confirmation_method": "automatic",
        "created": clock.now_seconds(),
        "currency": "",
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"installments": None, "mandate_options": None, "network": None}},
        "payment_method_types": [],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
