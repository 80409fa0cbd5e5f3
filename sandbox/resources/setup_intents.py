"""Setup intents (https://docs.stripe.com/api/setup_intents): saving a payment method for later payments."""

from typing import Any, NoReturn

from sandbox.api.errors import DOC_URL, AttemptFailed, ParameterRefused, StripeError, unexpected_state
from sandbox.api.pagination import list_page
from sandbox.api.parameters import METADATA, Boolean, Choice, Kind, Parameter, Text, WebAddress, takes, takes_page, unsettable
from sandbox.api.wire import Request
from sandbox.models import SandboxObject
from sandbox.money import challenges, instruments
from sandbox.money.bank_answers import Decline
from sandbox.objects import ids, state
from sandbox.resources import bank_debit_terms, payment_methods
from sandbox.resources.confirmation import (
    AUTOMATIC,
    CONFIRMABLE,
    OPTIONS,
    TYPES,
    Removed,
    choose_types,
    method_for,
    require_own_method,
    require_return_url,
)
from sandbox.timeline import clock

_COMMON: dict[str, Kind | Parameter] = {
    "customer": Text(),
    "description": Text(maximum=1000),
    "metadata": METADATA,
    "payment_method": Text(),
    "payment_method_options": unsettable(OPTIONS),
    "payment_method_types": Removed(),
}
_NOT_YET = (
    "attach_to_self customer_account excluded_payment_method_types flow_directions payment_method_configuration "
    "payment_method_data"
)
CREATE = takes(
    allowed_payment_method_types=TYPES,
    automatic_payment_methods=AUTOMATIC,
    confirm=Boolean(),
    mandate_data=bank_debit_terms.MANDATE_DATA,
    return_url=WebAddress(),
    usage=Choice(("off_session", "on_session")),
    use_stripe_sdk=Boolean(),
    **_COMMON,
).refusing(f"{_NOT_YET} confirmation_token on_behalf_of single_use")
UPDATE = takes(allowed_payment_method_types=TYPES, **_COMMON).refusing(_NOT_YET)
CONFIRM = takes(
    mandate_data=bank_debit_terms.MANDATE_DATA,
    payment_method=Text(),
    payment_method_options=unsettable(OPTIONS),
    payment_method_types=Removed(),
    return_url=WebAddress(),
    use_stripe_sdk=Boolean(),
).refusing("allowed_payment_method_types confirmation_token payment_method_data")
CANCEL = takes(cancellation_reason=Choice(("abandoned", "duplicate", "requested_by_customer")))
RETRIEVE = takes().refusing("client_secret")
LIST = takes_page(customer=Text(), payment_method=Text())


def create(request: Request) -> dict[str, Any]:
    """A new setup intent, confirmed at once where `confirm` says so."""
    sent = request.parameters
    if not sent.get("confirm"):
        for name in ("mandate_data", "return_url", "use_stripe_sdk"):
            if name in sent:  # "can only be used with confirm=true": the SDK's own words; Stripe's text is unverified
                raise ParameterRefused(f"The parameter {name} can only be used with `confirm` set to true.", param=name)
    row = state.insert(account=request.account, data=_fresh(request.account, sent.get("usage", "off_session")))
    choose_types(row.data, sent)
    _apply(row, sent)
    if sent.get("confirm"):
        _confirm(row, sent)
    return row.data


def retrieve(request: Request, intent: str) -> dict[str, Any]:
    """The setup intent."""
    return state.addressed(request.account, "setup_intent", intent, param="intent").data


def update(request: Request, intent: str) -> dict[str, Any]:
    """Changes what was sent. Raises a 400 once the intent has succeeded or was canceled."""
    row = state.addressed(request.account, "setup_intent", intent, param="intent", lock=True)
    if row.data["status"] not in CONFIRMABLE and set(request.parameters) - {"metadata", "description", "expand"}:
        raise _unexpected(row, "update", "updated")
    if "allowed_payment_method_types" in request.parameters:
        choose_types(row.data, request.parameters)
    _apply(row, request.parameters)
    return row.data


def confirm(request: Request, intent: str) -> dict[str, Any]:
    """Sets the method up, asks the buyer to authenticate, or answers a 402 for a decline."""
    row = state.addressed(request.account, "setup_intent", intent, param="intent", lock=True)
    _confirm(row, request.parameters)
    return row.data


def cancel(request: Request, intent: str) -> dict[str, Any]:
    """Ends a setup intent that has not succeeded."""
    row = state.addressed(request.account, "setup_intent", intent, param="intent", lock=True)
    if row.data["status"] not in CONFIRMABLE:
        raise _unexpected(row, "cancel", "canceled")
    reason = request.parameters.get("cancellation_reason")
    row.data |= {"cancellation_reason": reason, "next_action": None, "status": "canceled"}
    state.save(row)
    return row.data


def list_(request: Request) -> dict[str, Any]:
    """Setup intents, newest first, of a customer or a payment method where one is named."""
    sent = request.parameters
    filters = {"customer": sent.get("customer"), "data__payment_method": sent.get("payment_method")}
    return list_page(request, "setup_intent", "/v1/setup_intents", **{k: value for k, value in filters.items() if value})


def succeed(row: SandboxObject, method: SandboxObject) -> None:
    """The method is set up, and saved for the intent's customer; both rows are locked by the caller."""
    row.data |= {"last_setup_error": None, "next_action": None, "payment_method": method.stripe_id, "status": "succeeded"}
    state.save(row)
    method.hidden["set_up"] = row.data["usage"] == "off_session"
    method.data["customer"] = method.data["customer"] or row.data["customer"]
    state.save(method)


def fail(row: SandboxObject, error: dict[str, Any]) -> None:
    """Sends the intent back to wait for another payment method, with the error on record."""
    row.data |= {
        "last_setup_error": error,
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    state.save(row)


def _confirm(row: SandboxObject, sent: dict[str, Any]) -> None:
    if row.data["status"] not in CONFIRMABLE:
        raise _unexpected(row, "confirm", "confirmed")
    row.data["payment_method_options"] |= sent.get("payment_method_options") or {}
    require_return_url(row.data, sent)
    method = method_for(row, sent)
    bank_debit_terms.require_met(row, method, sent, is_kept=True)
    row.data |= {"payment_method": method.stripe_id, "next_action": None}
    declined = payment_methods.set_up_decline(method)
    if declined:
        _decline(row, method, declined)
    if instruments.is_card(method) and challenges.is_needed(row, instruments.card_of(method)):
        challenges.begin(row, return_url=sent.get("return_url", ""), for_browser_library=sent.get("use_stripe_sdk", False))
        state.save(row)
    else:
        succeed(row, method)


def _decline(row: SandboxObject, method: SandboxObject, declined: Decline) -> NoReturn:
    error: dict[str, Any] = {
        "code": declined.code,
        "doc_url": DOC_URL + declined.code.replace("_", "-"),
        "message": declined.message,
        "payment_method": method.data,
        "type": "card_error",
    }
    if declined.decline_code:
        error["decline_code"] = declined.decline_code
    fail(row, error)
    raise AttemptFailed(
        declined.message,
        status=402,
        type="card_error",
        code=declined.code,
        decline_code=declined.decline_code,
        about={"payment_method": method.data, "setup_intent": row.data},
    )


def _unexpected(row: SandboxObject, verb: str, done: str) -> StripeError:
    status = row.data["status"]
    because = (
        "it has already succeeded."
        if status == "succeeded" and verb == "confirm"
        else f"it has a status of {status}. Only a SetupIntent with one of the following statuses may be {done}: "
        f"{', '.join(CONFIRMABLE)}."
    )
    return unexpected_state(f"You cannot {verb} this SetupIntent because {because}", row.data)


def _apply(row: SandboxObject, sent: dict[str, Any]) -> None:
    data = row.data
    if "description" in sent:
        data["description"] = sent["description"]
    data["payment_method_options"] |= sent.get("payment_method_options") or {}
    if "metadata" in sent:
        data["metadata"] = state.merged_metadata(data["metadata"], sent["metadata"])
    if "allowed_payment_method_types" in sent:
        bank_debit_terms.require_possible(row)
    if "customer" in sent:
        data["customer"] = state.referred(row.account, "customer", sent["customer"], param="customer").stripe_id
    if "payment_method" in sent:
        method = payment_methods.usable(row.account, sent["payment_method"])
        require_own_method(row, method)
        data["payment_method"] = method.stripe_id
        data |= {"status": "requires_confirmation", "next_action": None}
    state.save(row)


def _fresh(account: str, usage: str) -> dict[str, Any]:
    intent_id = ids.new_stripe_id("setup_intent")
    return {
        "id": intent_id,
        "object": "setup_intent",
        "application": ids.APPLICATION if account else None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": ids.new_client_secret(intent_id),
        "created": clock.now_seconds(),
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}},
        "payment_method_types": [],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": usage,
    }
