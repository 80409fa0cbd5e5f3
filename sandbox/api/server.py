"""The offline Stripe itself: a request in, Stripe's answer out.

The order of its checks is Stripe's: the key, the account, the address, the parameters, the idempotency key, and then
the request itself. Each request is one transaction, and its answer is recorded under its key in the same one.
"""

import dataclasses

from django.db import transaction

from commercecore_payments.identifiers import new_identifier
from sandbox.api import idempotency, waiting
from sandbox.api.errors import AttemptFailed, ParameterRefused, StripeError, account_invalid, invalid_api_key, no_api_key
from sandbox.api.expansion import expand
from sandbox.api.routes import Route, find_route
from sandbox.api.wire import API_VERSION, Answer, Request
from sandbox.connect import deauthorization
from sandbox.faults import fault_kinds, plans
from sandbox.faults.fault_kinds import Fault, NoAnswer
from sandbox.objects import events, journal
from sandbox.timeline import due

# Stripe's request ids have 14 letters after `req_`.
REQUEST_ID_LENGTH = 14
# What a request meets that meets no fault.
NOTHING = Fault("")


def answer(request: Request) -> Answer:
    """Stripe's answer to a request, errors included; always with a `Request-Id`.

    Raises NoAnswer where a fault was ordered that leaves the caller without one.
    """
    try:
        fault = plans.meet(request) or NOTHING
    except StripeError as malformed:
        return refuse(malformed)
    if fault.kind in fault_kinds.BEFORE_THE_EFFECT:
        raise NoAnswer(fault)
    found = _answer(request, fault)
    if fault.kind in fault_kinds.AFTER_THE_EFFECT:
        raise NoAnswer(fault)
    return dataclasses.replace(found, delay_s=fault.delay_s) if fault.kind == "answer_slowly" else found


def _answer(request: Request, fault: Fault) -> Answer:
    request_id = new_identifier("req", REQUEST_ID_LENGTH)
    due.carry_out_due()
    try:
        with waiting.refused_in_vain():
            found = _judge_and_answer(request, request_id, fault)
    except StripeError as refused:
        found = Answer(refused.status, refused.body())
    headers = _headers(request_id)
    if request.idempotency_key:
        headers["Idempotency-Key"] = request.idempotency_key
    if request.account:
        headers["Stripe-Account"] = request.account
    return dataclasses.replace(found, headers=headers | found.headers)


def refuse(refused: StripeError) -> Answer:
    """Stripe's answer to what could not even be read as a request."""
    return finished(Answer(refused.status, refused.body()))


def finished(found: Answer) -> Answer:
    """An answer made beside the API of Stripe, with the headers that every answer has."""
    return dataclasses.replace(found, headers=_headers(new_identifier("req", REQUEST_ID_LENGTH)) | found.headers)


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "Stripe-Version": API_VERSION, "Request-Id": request_id}


def _judge_and_answer(request: Request, request_id: str, fault: Fault) -> Answer:
    require_test_key(request.key)
    _require_account(request)
    found, ids = find_route(request.method, request.path)
    route = dataclasses.replace(found, answer=fault_kinds.failing(fault.kind, found.answer))
    read = dataclasses.replace(request, parameters=route.takes.read(request.parameters))
    if fault.kind in fault_kinds.REFUSALS:
        raise fault_kinds.refusal(fault.kind)
    if not request.idempotency_key:
        return _carry_out(route, read, ids, request_id)
    claimed = idempotency.claim(request)
    return claimed if isinstance(claimed, Answer) else carry_out_claimed(route, read, ids, claimed, request_id)


def _carry_out(route: Route, request: Request, ids: dict[str, str], request_id: str) -> Answer:
    """The request's effect and its answer, in one transaction. Raises StripeError for a refusal, with no effect."""
    with journal.change(events.Cause(request_id, request.idempotency_key)):
        try:
            body = route.answer(request, **ids)
        except AttemptFailed as failed:
            return Answer(failed.status, failed.body())  # the failed charge is an effect, and stays
        return Answer(200, expand(body, request.parameters.get("expand", [])))


def carry_out_claimed(route: Route, request: Request, ids: dict[str, str], claimed: idempotency.Claim, request_id: str) -> Answer:
    """The same under an idempotency key, which keeps the answer: refusals too, unless they are of the parameters."""
    original = {"Original-Request": request_id}
    try:
        with transaction.atomic():
            made = dataclasses.replace(_carry_out(route, request, ids, request_id), headers=original)
            idempotency.finish(claimed, made)
            return made
    except (ParameterRefused, idempotency.TakenOver):
        idempotency.give_back(claimed)
        raise
    except StripeError as refused:
        made = Answer(refused.status, refused.body(), original)
        idempotency.finish(claimed, made)
        return made
    except Exception:  # a failure of ours, which is no answer of Stripe's: the request may be sent again under its key
        idempotency.give_back(claimed)
        raise


def require_test_key(key: str) -> None:
    """Raises a 401 for any key but a test key."""
    if not key:
        raise no_api_key()
    if not key.startswith("sk_test_"):
        raise invalid_api_key(key)


def _require_account(request: Request) -> None:
    if request.account and deauthorization.connected(request.account) is None:
        raise account_invalid(request.key, request.account)
