"""The whole way of a bank debit as `curl` goes it, at the door for any SDK: from the account to the money."""

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.test import Client

SERVICE = "http://127.0.0.1:8000"
TUESDAY = datetime(2026, 12, 1, 12, tzinfo=UTC)
MAKE_ACCOUNT = (
    "curl http://127.0.0.1:8000/v1/accounts -u sk_test_anything: -d type=express -d country=US "
    '-d "capabilities[us_bank_account_ach_payments][requested]=true" -d "capabilities[transfers][requested]=true"'
)
ONBOARD = "curl -X POST http://127.0.0.1:8000/sandbox/api/accounts/acct_…/onboarding -u sk_test_anything:"
DEBIT = (
    'curl http://127.0.0.1:8000/v1/payment_intents -u sk_test_anything: -H "Stripe-Account: acct_…" '
    '-d amount=1000 -d currency=usd -d "allowed_payment_method_types[]=us_bank_account" '
    "-d payment_method=pm_usBankAccount_success -d confirm=true -d return_url=https://example.com/back "
    '-d "mandate_data[customer_acceptance][type]=offline"'
)
WAIT_A_WEEK = "curl http://127.0.0.1:8000/sandbox/api/clock -u sk_test_anything: -d advance_s=604800"
LOOK = 'curl http://127.0.0.1:8000/v1/payment_intents/pi_… -u sk_test_anything: -H "Stripe-Account: acct_…"'
LIST = 'curl http://127.0.0.1:8000/v1/payment_intents -u sk_test_anything: -H "Stripe-Account: acct_…"'
LOOK_AT_BALANCE = 'curl http://127.0.0.1:8000/v1/balance -u sk_test_anything: -H "Stripe-Account: acct_…"'

Curl = Callable[..., Any]


@pytest.fixture
def curl(db: None) -> Curl:
    """Does what a line of `curl` does, with `…` filled in by these ids, and gives the status and the object."""

    def run(line: str, **ids: str) -> tuple[int, Any]:
        for prefix, stripe_id in ids.items():
            line = line.replace(f"{prefix}_…", stripe_id)
        _, *words = shlex.split(line)
        address = next(word for word in words if word.startswith(SERVICE)).removeprefix(SERVICE)
        options = list(pairwise(words))
        sent = "&".join(value for option, value in options if option == "-d")
        headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
        headers["Authorization"] = "Bearer " + next(value for option, value in options if option == "-u").removesuffix(":")
        method = "POST" if sent or ("-X", "POST") in options else "GET"
        form = "application/x-www-form-urlencoded"
        answer = Client().generic(method, address, sent, content_type=form, headers=headers)
        return answer.status_code, json.loads(answer.content)

    return run


@time_machine.travel(TUESDAY, tick=False)
def test_a_bank_debit_by_curl(curl: Curl) -> None:
    _, made = curl(MAKE_ACCOUNT)
    account = made["id"]
    assert curl(ONBOARD, acct=account)[0] == 200

    status, payment = curl(DEBIT, acct=account)
    assert (status, payment["status"], payment["amount_received"]) == (200, "processing", 0)

    assert curl(WAIT_A_WEEK)[0] == 200
    _, paid = curl(LOOK, acct=account, pi=payment["id"])
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 1000)
    _, balance = curl(LOOK_AT_BALANCE, acct=account)
    assert [each["amount"] for each in balance["available"]] == [992]  # less Stripe's fee of 0.8 %


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ("-d return_url=https://example.com/back ", "you must provide a `return_url`"),
        ('-d "mandate_data[customer_acceptance][type]=offline"', "requires a mandate, but no existing mandate was found"),
        ('-d "allowed_payment_method_types[]=us_bank_account" ', "The PaymentMethod provided (us_bank_account) is not allowed"),
    ],
)
def test_nothing_of_the_debit_can_be_left_out(curl: Curl, left_out: str, told: str) -> None:
    _, made = curl(MAKE_ACCOUNT)
    curl(ONBOARD, acct=made["id"])
    assert left_out in DEBIT
    status, refused = curl(DEBIT.replace(left_out, ""), acct=made["id"])
    assert (status, refused["error"]["type"]) == (400, "invalid_request_error")
    assert told in refused["error"]["message"]
    assert curl(LIST, acct=made["id"])[1]["data"] == []
