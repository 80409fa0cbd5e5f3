"""The cost of a payment: its statements, each time the tests run, and how the benchmark judges its figures."""

from typing import Any

import pytest
from django.db import connection

from benchmarks.arm import make_caller
from benchmarks.load import CREATED, create_payment
from benchmarks.request_cost import MOST_STATEMENTS, broken_promises
from benchmarks.request_cost_arm import SERVICE, SERVICE_WITH_KEYS, SMALLEST
from benchmarks.slow_stripe import SlowStripe, stripe_is
from commercecore_payments.wsgi import application

# The token with its developer and app; the rate limiter; the account; the payment with its operation; its new state; the
# operation's end.
OF_A_PAYMENT = 6
# Its lookup, and the answer that is kept.
OF_A_KEY = 2


class TestAPayment:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(("with_key", "number"), [(False, OF_A_PAYMENT), (True, OF_A_PAYMENT + OF_A_KEY)])
    def test_costs_so_many_statements(self, with_key: bool, number: int) -> None:
        sent: list[str] = []

        def note(execute: Any, sql: str, *statement: Any) -> Any:
            sent.append(sql)
            return execute(sql, *statement)

        caller = make_caller(sellers=1)
        with stripe_is(SlowStripe(0)):
            for order_id in ("first", "counted"):  # the first one of all makes its caller known to the rate limiter
                sent.clear()
                with connection.execute_wrapper(note):
                    status = create_payment(application, caller, seller=caller.sellers[0], order_id=order_id, with_key=with_key)
                assert status == CREATED
        # SQLite inserts the payment and its operation one after the other.
        assert len([sql for sql in sent if not sql.startswith("BEGIN")]) == number + (connection.vendor == "sqlite")
        assert number <= MOST_STATEMENTS


class TestAPromise:
    def test_is_judged_by_the_median_of_the_rounds_and_by_every_statement(self) -> None:
        def rounds(*cpu_ms: float, statements: float = 8) -> list[dict[str, float]]:
            return [{"cpu_ms": each, "statements": statements} for each in cpu_ms]

        held = {SMALLEST: rounds(5, 5, 5), SERVICE: rounds(6, 6, 9), SERVICE_WITH_KEYS: rounds(9, 9, 9, statements=10)}
        assert broken_promises(held) == []
        assert broken_promises({**held, SERVICE: rounds(6, 6.5, 9, statements=8.01)}) == [
            "NOT held: 1.300 of the smallest view's CPU (at most 1.2)",
            "NOT held: 8.01 SQL statements a request (at most 8)",
        ]
