"""The benchmark itself, with tiny numbers: what it asks is served, and what it writes can be read."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import waiting
from benchmarks.arm import make_caller
from benchmarks.load import CREATED, Application, Load, Measurement, Served, create_payment, measure, percentile, together
from benchmarks.report import Arm, Report
from benchmarks.slow_stripe import SlowStripe, connections_are_held, stripe_is
from commercecore_payments.wsgi import application
from gateway.models import Operation
from transactions.models import Transaction

# The connections that each thread opened are closed by the application at the end of each request.
pytestmark = pytest.mark.django_db(transaction=True)

FAST = Load(threads=2, seconds=0.3, warm_up_s=0.1, spread_s=0.02)


class TestTheLoad:
    def test_is_served_by_the_real_service(self) -> None:
        caller = make_caller(sellers=2)
        with stripe_is(SlowStripe(0)):
            assert create_payment(application, caller, seller=caller.sellers[0], order_id="first") == CREATED
        payment = Transaction.objects.get()
        assert (payment.order_id, payment.status, payment.amount_minor) == ("first", "requires_payment_method", 1000)
        assert Operation.objects.get().status == "succeeded"

    def test_waits_for_stripe_in_every_request(self) -> None:
        with stripe_is(SlowStripe(0.05)):
            measured = measure(application, make_caller(sellers=2), FAST)
        assert 0 < measured.requests_per_s <= 2 / 0.05
        assert measured.p50_s >= 0.05
        assert measured.cpu_s_per_request > 0
        assert measured.failed == 0

    def test_tells_failures_from_what_was_served(self) -> None:
        caller = replace(make_caller(sellers=1), token="cc_wrong")
        with stripe_is(SlowStripe(0)):
            measured = measure(application, caller, FAST)
        assert measured.requests_per_s == 0
        assert measured.failed > 0

    def test_carries_an_idempotency_key_where_that_is_asked_for(self) -> None:
        def spying(environ: dict[str, object], start_response: object) -> list[bytes]:
            keys.append(environ.get("HTTP_IDEMPOTENCY_KEY"))
            start_response("201 Created", [])  # type: ignore[operator]
            return []

        keys: list[object] = []
        caller = make_caller(sellers=1)
        served: Application = spying
        create_payment(served, caller, seller="acct_1", order_id="7", with_key=True)
        create_payment(served, caller, seller="acct_1", order_id="7")
        assert keys == ["key-acct_1-7", None]


class TestTheConnection:
    def test_is_given_back_during_the_call_unless_it_is_held(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert _open_connections_during_the_call(monkeypatch) == [False]
        with connections_are_held():
            assert _open_connections_during_the_call(monkeypatch) == [True]


class TestARequestAtTheEdgeOfTheWindow:
    @pytest.mark.parametrize(
        ("begin", "end", "share"), [(1, 3, 1.0), (-1, 1, 0.5), (9, 13, 0.25), (-5, 15, 0.5), (-2, -1, 0.0), (11, 12, 0.0)]
    )
    def test_counts_for_the_part_that_lies_within(self, begin: float, end: float, share: float) -> None:
        assert Served(begin, end, CREATED).share_within(0, 10) == share


class TestAPercentile:
    def test_is_the_value_that_so_many_do_not_exceed(self) -> None:
        assert [percentile(range(1, 101), share) for share in (0.5, 0.99)] == [51, 100]
        assert percentile([], 0.5) == 0.0


class TestSeveralProcesses:
    def test_are_measured_as_one(self) -> None:
        one = Measurement(10.0, failed=1, cpu_s_per_s=0.1, latencies_s=[1.0, 1.1])
        other = Measurement(30.0, failed=2, cpu_s_per_s=0.7, latencies_s=[1.2])
        both = together([one, other])
        assert (both.requests_per_s, both.failed, both.p50_s, both.p99_s) == (40.0, 3, 1.1, 1.2)
        assert both.cpu_s_per_request == pytest.approx(0.02)


class TestTheReport:
    def test_compares_the_rounds_and_says_whether_the_promises_are_held(self) -> None:
        few, each, held = arms = (Arm("8 connections", 8), Arm("64 connections", 64), Arm("8, held", 8, holds=True))
        report = Report(arms, threads=64, wait_s=1)
        # The second round found a slow machine: it slows both, and changes their ratio little.
        for rate_few, rate_each, rate_held in ((62.0, 62.0, 8.0), (31.0, 30.0, 4.0), (60.0, 63.0, 8.0)):
            for arm, rate in zip(arms, (rate_few, rate_each, rate_held), strict=True):
                report.add(arm, Measurement(rate, failed=0, cpu_s_per_s=0.5, latencies_s=[1.0]))
        assert report.ratio_to_a_connection_each(few) == 1.0
        assert report.ratio_to_the_wait(each) == 62 / 64
        assert report.median(held, "requests_per_s") == 8
        assert report.promises() == [
            "held: 1.000 of what a connection for every thread serves (at least 0.97)",
            "NOT held: 0.938 of what the wait alone allows (at least 0.95)",
        ]
        assert report.is_broken

    def test_shows_a_dash_and_judges_no_promise_where_stripe_is_not_waited_for(self) -> None:
        arms = (Arm("8 connections", 8), Arm("64 connections", 64), Arm("8, held", 8, holds=True))
        report = Report(arms, threads=64, wait_s=0)
        for arm in arms:
            report.add(arm, Measurement(62.0, failed=0, cpu_s_per_s=0.5, latencies_s=[1.0]))
        assert report.text().splitlines()[-1].split() == ["the", "wait", "alone", "allows", "-"]
        assert (report.promises(), report.is_broken, report.as_dict()["limit_per_s"]) == ([], False, None)


@pytest.mark.skipif(not os.environ.get("TEST_POSTGRES_URL"), reason="the benchmark needs a PostgreSQL server")
class TestTheCommand:
    def test_measures_three_arms_and_writes_their_figures(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        tiny = "--threads=4 --connections=2 --stripe-ms=50 --rounds=1 --seconds=0.5 --sellers=2 --over-sockets --keys".split()
        waiting.main([*tiny, f"--output={tmp_path / 'figures' / 'waiting.json'}"])
        figures = json.loads((tmp_path / "figures" / "waiting.json").read_text())
        assert list(figures["arms"]) == ["2 connections", "4 connections", "2 connections, held over the call"]
        assert figures["limit_per_s"] == 80
        for arm in figures["arms"].values():
            assert 0 < arm["rounds"][0]["requests_per_s"] <= 80
            assert arm["rounds"][0]["failed"] == 0
        assert "the wait alone allows" in capsys.readouterr().out


def _open_connections_during_the_call(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether this thread held a database connection, at each call to Stripe of one payment."""
    from django.db import connection

    held: list[bool] = []
    monkeypatch.setattr("benchmarks.slow_stripe.time.sleep", lambda _: held.append(connection.connection is not None))
    caller = make_caller(sellers=1)
    with stripe_is(SlowStripe(0)):
        create_payment(application, caller, seller=caller.sellers[0], order_id="only")
    return held
