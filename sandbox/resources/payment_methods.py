"""Payment methods (https://docs.stripe.com/api/payment_methods): test cards and test bank accounts, by their ready names."""

from typing import Any

from sandbox.api.errors import ParameterRefused, StripeError, not_supported
from sandbox.api.pagination import list_page
from sandbox.api.parameters import ADDRESS, METADATA, Choice, Email, Hash, Text, takes, takes_page, unsettable
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import instruments
from sandbox.money.bank_answers import Decline
from sandbox.money.cards import card_named
from sandbox.objects import state
from sandbox.resources import new_payment_methods

REDISPLAY = Choice(("always", "limited", "unspecified"))
BILLING_DETAILS = Hash(
    {
        "address": unsettable(ADDRESS),
        "email": unsettable(Email()),
        "name": unsettable(Text()),
        "phone": unsettable(Text()),
        "tax_id": unsettable(Text()),
    }
)
_CARD_NUMBERS = ("number", "exp_month", "exp_year", "cvc")
_CARD = Hash({name: unsettable(Text()) for name in ("token", *_CARD_NUMBERS)})

CREATE = takes(
    type=Text(),
    card=_CARD,
    customer=Text(),
    payment_method=Text(),
    billing_details=BILLING_DETAILS,
    allow_redisplay=REDISPLAY,
    metadata=METADATA,
).refusing("radar_options us_bank_account sepa_debit link")
UPDATE = takes(billing_details=BILLING_DETAILS, allow_redisplay=REDISPLAY, metadata=METADATA).refusing("card us_bank_account")
RETRIEVE = takes()
ATTACH = takes(customer=Text()).refusing("customer_account")
DETACH = takes()
LIST = takes_page(customer=Text(), type=Text(), allow_redisplay=Text())

# How the names of Stripe's ready payment methods and tokens begin; the ids of payment methods that were made do not.
TEST_NAMES = ("pm_card_", "pm_usBankAccount_", "tok_")
# What the sandbox says in addition to Stripe's "No such …", since Stripe itself may know the name.
UNKNOWN_TEST_NAME = ". The sandbox does not know this test payment method."
SPENT = (
    "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may "
    "not be used again."
)
RAW_CARD = (
    "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens that map to "
    "the test card you are using, see https://stripe.com/docs/testing."
)


def create(request: Request) -> dict[str, Any]:
    """A payment method from a token, or a clone of the platform's for the connected account."""
    sent = request.parameters
    if any(name in sent.get("card", {}) for name in _CARD_NUMBERS):
        # Status 402 with this type is what Stripe's libraries report for it [reported].
        raise ParameterRefused(RAW_CARD, status=402)
    row = _clone(request) if "payment_method" in sent else _from_token(request)
    _apply(row.data, sent)
    state.save(row)
    return row.data


def retrieve(request: Request, payment_method: str) -> dict[str, Any]:
    """The payment method."""
    return state.addressed(request.account, "payment_method", payment_method, param="payment_method").data


def update(request: Request, payment_method: str) -> dict[str, Any]:
    """Changes what was sent. Raises a 400 where it is attached to no customer, as Stripe's documentation asks."""
    row = state.addressed(request.account, "payment_method", payment_method, param="payment_method", lock=True)
    if not row.data["customer"]:
        raise StripeError("You must save this PaymentMethod to a customer before you can update it.")
    _apply(row.data, request.parameters)
    state.save(row)
    return row.data


def attach(request: Request, payment_method: str) -> dict[str, Any]:
    """Saves the payment method for a customer; a ready one becomes a new one."""
    customer = request.parameters.get("customer")
    if not customer:
        raise ParameterRefused("Missing required param: customer.", code="parameter_missing", param="customer")
    state.referred(request.account, "customer", customer, param="customer", lock=True)
    return attach_to(request.account, payment_method, customer, status=404).data


def detach(request: Request, payment_method: str) -> dict[str, Any]:
    """Takes the payment method from its customer; it can never be used again."""
    row = state.addressed(request.account, "payment_method", payment_method, param="payment_method", lock=True)
    if not row.data["customer"]:
        raise StripeError("The payment method you provided is not attached to a customer so detachment is impossible.")
    _detach(row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """The payment methods of a customer, newest first; without one, those of the account."""
    filters = {"customer": request.parameters.get("customer"), "data__type": request.parameters.get("type")}
    used = {name: value for name, value in filters.items() if value}
    return list_page(request, "payment_method", "/v1/payment_methods", **used)


def detach_all(account: str, customer: str) -> None:
    """Detaches all that a customer has saved, for good."""
    rows = SandboxObject.objects.select_for_update().filter(account=account, object_type="payment_method", customer=customer)
    for row in rows.order_by("pk"):
        _detach(row)


def attach_to(account: str, payment_method: str, customer: str, *, status: int = 400) -> SandboxObject:
    """Saves a payment method for a customer whose row the caller has locked.

    Raises a 402 for a card that declines, and a 400 for one that is another customer's or may not be used again.
    """
    row = usable(account, payment_method, status=status)
    if row.data["customer"] not in (None, customer):
        raise StripeError("The payment method you provided has already been attached to a customer.")
    declined = set_up_decline(row)
    if declined:
        raise StripeError(declined.message, status=402, type="card_error", code=declined.code, decline_code=declined.decline_code)
    row.data["customer"] = customer
    state.save(row)
    return row


def usable(account: str, payment_method: str, *, param: str = "payment_method", status: int = 400) -> SandboxObject:
    """The payment method, locked; a ready one (`pm_card_…`, `pm_usBankAccount_…`) as a new one of the account.

    Raises resource_missing with this status where there is none, and a 400 where it may not be used again.
    """
    instrument = instruments.of_ready_name(payment_method)
    if instrument is not None:
        return new_payment_methods.insert(account, payment_method, instrument, param=param)
    _refuse_unknown_test_name(payment_method, param, status)
    find = state.addressed if status == 404 else state.referred
    row = find(account, "payment_method", payment_method, param=param, lock=True)
    if row.hidden.get("spent"):
        raise StripeError(SPENT, param=param)
    return row


def set_up_decline(method: SandboxObject) -> Decline | None:
    """How the bank declines to have the card saved; None where it lets it be saved, whatever it says to a payment.

    A bank account is never declined here: that Stripe lets a ready one be saved without a setup intent is unverified.
    """
    if not instruments.is_card(method):
        return None
    card = instruments.card_of(method)
    return None if card.attaches else card.decline


def _refuse_unknown_test_name(name: str, param: str, status: int) -> None:
    if name.startswith(TEST_NAMES) and card_named(name) is None:
        raise StripeError(
            f"No such PaymentMethod: '{name}'{UNKNOWN_TEST_NAME}", status=status, code="resource_missing", param=param
        )


def _from_token(request: Request) -> SandboxObject:
    sent = request.parameters
    if "type" not in sent:
        raise ParameterRefused("Missing required param: type.", code="parameter_missing", param="type")
    if sent["type"] != "card":
        raise not_supported(f"payment methods of type {sent['type']}", "type")
    token = sent.get("card", {}).get("token", "")
    if not token:
        raise ParameterRefused("Missing required param: card.", code="parameter_missing", param="card")
    card = card_named(token) if token.startswith("tok_") else None
    if card is None:
        unknown = UNKNOWN_TEST_NAME if token.startswith(TEST_NAMES) else ""
        raise StripeError(f"No such token: '{token}'{unknown}", code="resource_missing", param="card[token]")
    return new_payment_methods.insert(request.account, token.replace("tok_", "pm_card_", 1), card)


def _clone(request: Request) -> SandboxObject:
    """Copies the platform's payment method (https://docs.stripe.com/connect/direct-charges-multiple-accounts).

    The one look across accounts: the method is the platform's, the copy the connected account's, attached to no one.
    """
    sent = request.parameters
    if not request.account:
        raise StripeError("You can only clone a payment method to a connected account.", param="payment_method")
    ready = instruments.of_ready_name(sent["payment_method"])
    if ready is not None:
        return new_payment_methods.insert(request.account, sent["payment_method"], ready)
    source = usable("", sent["payment_method"])
    owner = source.data["customer"]
    if owner and owner != sent.get("customer"):
        raise StripeError(
            "The customer does not have a payment method with the ID "
            f"{source.stripe_id}. The payment method must be attached to the customer.",
            param="customer",
        )
    if sent.get("customer") and not owner:
        state.referred("", "customer", sent["customer"], param="customer")
        raise StripeError(f"The payment method {source.stripe_id} is not attached to the customer.", param="payment_method")
    # Whether an authentication of the original counts for the copy is unverified: here it does not.
    copy = new_payment_methods.insert(request.account, instruments.ready_name(source), instruments.behaviour_of(source))
    copy.data["billing_details"] = source.data["billing_details"]
    # "Stripe duplicates the mandate authorization": https://docs.stripe.com/payments/ach-direct-debit#connect.
    copy.hidden["mandate"] = source.hidden.get("mandate", False)
    return copy


def _detach(row: SandboxObject) -> None:
    row.data["customer"] = None
    row.hidden["spent"] = True
    state.save(row)


def _apply(data: dict[str, Any], sent: dict[str, Any]) -> None:
    for name, value in sent.get("billing_details", {}).items():
        data["billing_details"][name] = value or None
    if "allow_redisplay" in sent:
        data["allow_redisplay"] = sent["allow_redisplay"]
    if "metadata" in sent:
        data["metadata"] = state.merged_metadata(data["metadata"], sent["metadata"])
