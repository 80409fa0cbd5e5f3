"""How often may be asked: what is let in, what is refused, and what nobody else notices of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.db import OperationalError, connection

from commercecore_payments import clock
from commercecore_payments.tests.tenants import Tenant
from commercecore_payments.work import JOBS
from developers.tests.factories import make_token
from idempotency.models import IdempotencyKey
from rate_limits import limiting
from rate_limits.limiting import Allowance, Limit, take
from rate_limits.models import Bucket
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
SECOND_US = 1_000_000
MOMENT_US = 1_800_000_000 * SECOND_US


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the limiter's clock, which stands still."""

    def stand_at(us: int) -> None:
        monkeypatch.setattr(limiting, "database_now_us_sql", lambda: ("%s", us))

    stand_at(MOMENT_US)
    return stand_at


@pytest.fixture
def limited(settings: Any, tenant: Tenant, moment: Any) -> Tenant:
    """Three requests a second for each token, five for each app."""
    settings.RATE_LIMIT_PER_TOKEN, settings.RATE_LIMIT_PER_APP = 3, 5
    return tenant


def told(response: Any) -> tuple[int, tuple[str | None, ...]]:
    return response.status_code, tuple(response.get(name) for name in HEADERS)


class TestManyAtOnce:
    def test_are_let_in_to_the_very_last_and_no_more(self, moment: Any) -> None:
        app = Limit("app", 100)
        limits = [[app, Limit(f"token:{number}", 30)] for number in range(8)]

        def ask(number: int) -> list[bool]:
            try:
                return [take(limits[number % 8]).retry_after_s == 0 for _ in range(20)]
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(16)))
        assert sum(map(sum, answers)) == 100
        drained_at_us = dict(Bucket.objects.values_list("key", "drained_at_us"))
        assert drained_at_us.pop("app") == MOMENT_US + SECOND_US
        poured = [(of_it - MOMENT_US) // Limit("", 30).share_us if of_it else 0 for of_it in drained_at_us.values()]
        assert sum(poured) == 100  # who was refused for the app is not counted for the token
        assert max(poured) <= 30

    def test_are_let_in_evenly_afterwards(self, moment: Any) -> None:
        limits = [Limit("token", 4)]
        assert [take(limits).retry_after_s for _ in range(6)] == [0, 0, 0, 0, 1, 1]
        moment(MOMENT_US + 250_000)
        assert [take(limits).retry_after_s for _ in range(2)] == [0, 1]
        moment(MOMENT_US + 10 * SECOND_US)
        assert [take(limits).remaining for _ in range(5)] == [3, 2, 1, 0, 0]

    def test_of_an_odd_limit_are_as_many_as_it_says(self, moment: Any) -> None:
        for per_second in (1, 3, 7, 999):
            limits = [Limit(f"of {per_second}", per_second)]
            assert sum(take(limits).retry_after_s == 0 for _ in range(per_second + 2)) == per_second


class TestTheScarcerLimit:
    def test_is_told(self, moment: Any) -> None:
        app, token, other = Limit("app", 5), Limit("token", 3), Limit("other", 3)
        assert take([app, token]) == Allowance(limit=3, remaining=2, reset_s=1)
        assert [take([app, other]).limit for _ in range(2)] == [3, 3]
        assert take([app, token]) == Allowance(limit=3, remaining=1, reset_s=1)
        assert take([app, other]) == Allowance(limit=3, remaining=0, reset_s=2)
        assert take([app, other]) == Allowance(limit=3, remaining=0, reset_s=2, retry_after_s=1)


class TestARequest:
    def test_is_refused_in_the_one_shape_and_moves_nothing(self, limited: Tenant, seller: str) -> None:
        body = {"order_id": "1", "account_id": seller, "amount": 1000}
        for remaining, reset_s in (("2", "1"), ("1", "1"), ("0", "2")):
            assert told(limited.get("/payment-methods")) == (200, ("3", remaining, reset_s))
        refused = limited.post("/transactions", body, **{"Idempotency-Key": "limited-1"})
        assert told(refused) == (429, ("3", "0", "2"))
        assert refused["Retry-After"] == "1"
        assert refused.json()["error"] == "Too Many Requests"
        assert refused.json()["details"]["code"] == "rate_limited"
        assert (Transaction.objects.count(), IdempotencyKey.objects.filter(key="limited-1").count()) == (0, 0)

    def test_that_fails_or_is_replayed_counts_too(self, limited: Tenant, moment: Any) -> None:
        key = {"Idempotency-Key": "limited-2"}
        assert told(limited.post("/connected-accounts", {"email": "a@example.com"}, **key))[0] == 201
        assert told(limited.post("/connected-accounts", {"email": "a@example.com"}, **key)) == (201, ("3", "1", "1"))
        assert told(limited.get("/transactions/pi_unknown")) == (404, ("3", "0", "2"))
        assert told(limited.post("/connected-accounts", {"email": "a@example.com"}, **key))[0] == 429

    def test_of_another_tenant_or_nobody_is_not_limited_with_it(self, limited: Tenant) -> None:
        for _ in range(4):
            last = limited.get("/payment-methods")
        assert last.status_code == 429
        assert told(Tenant.create().get("/payment-methods")) == (200, ("3", "2", "1"))
        assert told(limited.client.get("/api/v1")) == (200, (None, None, None))
        assert told(limited.client.get("/api/v1/payment-methods")) == (400, (None, None, None))

    def test_of_another_token_shares_the_apps_limit(self, limited: Tenant) -> None:
        for _ in range(3):
            assert limited.get("/payment-methods").status_code == 200
        _, limited.token = make_token(limited.developer)
        assert [limited.get("/payment-methods").status_code for _ in range(3)] == [200, 200, 429]
        # A route that knows no app asks for the token alone.
        assert told(limited.get("/connected-accounts")) == (200, ("3", "0", "2"))

    def test_with_a_json_web_token_is_limited_by_its_id(self, limited: Tenant, settings: Any) -> None:
        secret = "s" * 32
        settings.JWT_KEYS = {"k": {"algorithm": "HS256", "key": secret}}
        issued = int(clock.now().timestamp())

        def token(jti: str) -> str:
            claims = {
                "token_type": "access", "exp": issued + 60, "iat": issued, "jti": jti, "user_id": "u",
                "developer_id": limited.developer.pk, "app_ids": [limited.app.pk],
            }  # fmt: skip
            return jwt.encode(claims, secret, "HS256", headers={"kid": "k"})

        limited.token = token("first")
        assert [limited.get("/connected-accounts").status_code for _ in range(4)] == [200, 200, 200, 429]
        limited.token = token("second")
        assert limited.get("/connected-accounts").status_code == 200

    def test_is_not_let_in_by_a_limiter_that_is_away(self, limited: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any) -> Any:
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(limiting, "_pour", fail)
        response = limited.get("/payment-methods")
        assert (response.status_code, response.json()["details"]["code"]) == (503, "database_unavailable")


class TestTime:
    def test_is_the_databases_and_moves_with_the_clock(self, settings: Any, tenant: Tenant) -> None:
        settings.RATE_LIMIT_PER_TOKEN = 1
        statuses = [tenant.get("/payment-methods").status_code for _ in range(2)]
        assert statuses == [200, 429]
        with clock.moved_ahead(timedelta(seconds=2)):
            assert tenant.get("/payment-methods").status_code == 200
        drained_at_us = Bucket.objects.get(key__contains=":token:").drained_at_us
        ahead_s = drained_at_us / SECOND_US - clock.database_now().timestamp()
        assert 0 < ahead_s <= 3

    def test_lets_go_of_who_has_not_asked_for_an_hour(self, settings: Any, tenant: Tenant) -> None:
        tenant.get("/payment-methods")
        with clock.moved_ahead(timedelta(minutes=59)):
            assert JOBS["rate limits"].do_next() is False
        with clock.moved_ahead(timedelta(minutes=61)):
            assert JOBS["rate limits"].do_next() is True
        assert Bucket.objects.count() == 0

    def test_keeps_the_count_of_somebody_new_whose_first_request_comes_to_it_only_now(self, moment: Any) -> None:
        limits = [Limit("somebody new", 100)]
        limiting._make_known(limits)
        assert JOBS["rate limits"].do_next() is False
        assert Bucket.objects.count() == 1
        assert take(limits).remaining == 99

    def test_that_was_set_back_keeps_nobody_out(self, moment: Any) -> None:
        limits = [Limit("token", 1)]
        assert [take(limits).retry_after_s for _ in range(2)] == [0, 1]
        moment(MOMENT_US - 61 * SECOND_US)
        assert [take(limits).retry_after_s for _ in range(2)] == [0, 1]


class TestNoLimit:
    def test_counts_nothing_and_says_nothing(self, settings: Any, tenant: Tenant) -> None:
        settings.RATE_LIMIT_PER_TOKEN = settings.RATE_LIMIT_PER_APP = 0
        assert told(tenant.get("/payment-methods")) == (200, (None, None, None))
        assert Bucket.objects.count() == 0
