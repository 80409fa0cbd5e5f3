"""What a bank or a buyer makes of a refund, as somebody orders it who tests: by the control API, and on the staff's page."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from sandbox.models import SandboxObject
from sandbox.money import refund_lifecycle
from sandbox.tests.conftest import Options, Services
from sandbox.tests.page_forms import filled, text
from sandbox.timeline import due

Make = Callable[..., Any]
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FORM = "application/x-www-form-urlencoded"
PENDING, ASKING, DONE = "pm_card_pendingRefund", "requires_action", "succeeded"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """The real clock stands still."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def control(db: None) -> Client:
    return Client(headers={"Authorization": "Bearer sk_test_x"}, enforce_csrf_checks=True)


@pytest.fixture
def order(control: Client) -> Callable[..., Any]:
    """Orders a move of a refund, and gives the answer."""
    return lambda refund, **sent: control.post(f"/sandbox/api/refunds/{refund}", sent, content_type="application/json")


@pytest.fixture
def refund(v1: Services, at_seller: Options, pay: Make) -> Callable[..., str]:
    """Refunds a payment of 10.00 USD with a test card, leads the refund through statuses, and gives its id."""

    def make(card: str = PENDING, *through: str) -> str:
        made = v1.refunds.create({"payment_intent": pay(card).id}, at_seller)
        for status in through:
            refund_lifecycle.order(made.id, status)
        return str(made.id)

    return make


def everything() -> list[Any]:
    """All that the sandbox holds, events included."""
    return list(SandboxObject.objects.order_by("id").values_list("data", "hidden"))


def booked(account: Options) -> list[tuple[str, int]]:
    """What the seller's books say, oldest first."""
    rows = SandboxObject.objects.filter(account=account["stripe_account"], object_type="balance_transaction").order_by("id")
    return [(row.data["type"], row.data["amount"]) for row in rows]


TAKEN, RETURNED = [("charge", 1000), ("refund", -1000)], [("refund_failure", 1000)]


class TestAMoveOfTheControlApi:
    @pytest.mark.parametrize(
        ("card", "through", "status", "books"),
        [
            (PENDING, (), "succeeded", TAKEN),
            (PENDING, (), "failed", TAKEN + RETURNED),
            (PENDING, (), "requires_action", TAKEN),
            (PENDING, (ASKING,), "pending", TAKEN),
            (PENDING, (ASKING,), "succeeded", TAKEN),
            (PENDING, (ASKING,), "failed", TAKEN + RETURNED),
            ("pm_card_visa", (), "failed", TAKEN + RETURNED),
        ],
    )
    def test_is_made_and_its_money_moves(
        self, refund: Make, order: Make, at_seller: Options, card: str, through: tuple[str, ...], status: str, books: Any
    ) -> None:
        made = refund(card, *through)
        answer = order(made, status=status)
        assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, made, status)
        assert answer.json() == SandboxObject.objects.get(stripe_id=made).data
        assert booked(at_seller) == books
        charge = SandboxObject.objects.get(object_type="charge").data
        assert (charge["amount_refunded"], charge["refunded"]) == ((0, False) if status == "failed" else (1000, True))

    @pytest.mark.parametrize("reason", refund_lifecycle.FAILURE_REASONS)
    def test_may_fail_it_for_each_of_stripes_reasons(self, refund: Make, order: Make, reason: str) -> None:
        answer = order(refund(), status="failed", failure_reason=reason).json()
        assert (answer["status"], answer["failure_reason"]) == ("failed", reason)
        assert "pending_reason" not in answer

    def test_fails_it_for_an_unknown_reason_where_none_is_told(self, refund: Make, order: Make) -> None:
        assert order(refund(), status="failed").json()["failure_reason"] == "unknown"

    def test_takes_a_form_as_well(self, refund: Make, control: Client) -> None:
        made = refund()
        sent = "status=failed&failure_reason=declined"
        assert control.post(f"/sandbox/api/refunds/{made}", sent, content_type=FORM).json()["failure_reason"] == "declined"

    @pytest.mark.parametrize(
        ("card", "through", "status", "legal"),
        [
            (PENDING, (), "pending", "It can become: succeeded, requires_action, failed."),
            (PENDING, (ASKING,), "requires_action", "It can become: succeeded, pending, failed."),
            ("pm_card_visa", (), "succeeded", "It can become: failed."),
            ("pm_card_visa", (), "requires_action", "It can become: failed."),
            ("pm_card_visa", (), "pending", "It can become: failed."),
            ("pm_card_visa", ("failed",), "failed", "It can become nothing else."),
            ("pm_card_visa", ("failed",), "succeeded", "It can become nothing else."),
        ],
    )
    def test_that_is_not_legal_is_refused_and_moves_nothing(
        self, refund: Make, order: Make, card: str, through: tuple[str, ...], status: str, legal: str
    ) -> None:
        made = refund(card, *through)
        before = everything()
        answer = order(made, status=status)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "status")
        assert f"cannot become {status}. {legal}" in answer.json()["error"]["message"]
        assert everything() == before

    @pytest.mark.parametrize("status", ["succeeded", "requires_action", "pending"])
    def test_does_not_reach_a_refund_that_waits(
        self, v1: Services, at_seller: Options, refund: Make, order: Make, status: str
    ) -> None:
        v1.accounts.update(at_seller["stripe_account"], {"settings": {"payouts": {"debit_negative_balances": False}}})
        made = refund("pm_card_visa")
        v1.balance.retrieve(None, at_seller)  # carries out what is due
        before = everything()
        answer = order(made, status=status)
        assert answer.status_code == 400
        assert "a status of pending (insufficient_funds) and" in answer.json()["error"]["message"]
        assert answer.json()["error"]["message"].endswith("It can become: failed.")
        assert everything() == before

    def test_fails_a_refund_that_waits_and_no_money_comes_back(
        self, v1: Services, at_seller: Options, refund: Make, order: Make
    ) -> None:
        v1.accounts.update(at_seller["stripe_account"], {"settings": {"payouts": {"debit_negative_balances": False}}})
        answer = order(refund("pm_card_visa"), status="failed", failure_reason="merchant_request").json()
        assert (answer["status"], answer["failure_reason"], answer["balance_transaction"]) == ("failed", "merchant_request", None)
        assert booked(at_seller) == [("charge", 1000)]
        due.move_clock(46 * 24 * HOUR)
        assert SandboxObject.objects.get(object_type="refund").data["failure_reason"] == "merchant_request"

    def test_does_not_reach_what_was_only_held(self, v1: Services, at_seller: Options, pay: Make, order: Make) -> None:
        held = pay(capture_method="manual")
        v1.payment_intents.cancel(held.id, None, at_seller)
        [released] = v1.refunds.list(None, at_seller).data
        assert order(released.id, status="failed").status_code == 400
        assert v1.refunds.retrieve(released.id, None, at_seller).status == "succeeded"

    @pytest.mark.parametrize(
        ("sent", "param"),
        [
            ({}, "status"),
            ({"status": "canceled"}, "status"),
            ({"status": "failed", "failure_reason": "boredom"}, "failure_reason"),
            ({"status": "succeeded", "failure_reason": "unknown"}, "failure_reason"),
            ({"status": "succeeded", "speed": "fast"}, "speed"),
        ],
    )
    def test_that_is_malformed_is_refused_and_moves_nothing(
        self, refund: Make, order: Make, sent: dict[str, str], param: str
    ) -> None:
        made = refund()
        before = everything()
        answer = order(made, **sent)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
        assert everything() == before

    @pytest.mark.parametrize("unknown", ["re_unknown", "{charge}"])
    def test_of_an_unknown_refund_is_a_404(self, refund: Make, order: Make, unknown: str) -> None:
        refund()
        charge = SandboxObject.objects.get(object_type="charge").stripe_id
        answer = order(unknown.format(charge=charge), status="failed")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")

    def test_needs_a_test_key(self, refund: Make) -> None:
        made = refund()
        assert Client().post(f"/sandbox/api/refunds/{made}", {"status": "failed"}).status_code == 401
        assert SandboxObject.objects.get(stripe_id=made).data["status"] == "pending"

    def test_comes_after_what_was_due_before(self, refund: Make, order: Make) -> None:
        made = refund()
        with time_machine.travel(NOON + HOUR, tick=False):
            assert order(made, status="requires_action").status_code == 400
        assert SandboxObject.objects.get(stripe_id=made).data["status"] == "succeeded"


class TestWhatHappensByItself:
    """Tasks that were noted before a move find the refund changed."""

    @pytest.mark.parametrize("status", ["failed", "requires_action"])
    def test_leaves_a_refund_that_is_not_pending_any_more(self, refund: Make, order: Make, status: str) -> None:
        made = refund()
        order(made, status=status)
        due.move_clock(2 * HOUR)
        assert SandboxObject.objects.get(stripe_id=made).data["status"] == status

    def test_settles_what_the_buyer_answered_an_hour_after_the_answer(self, refund: Make, order: Make) -> None:
        made = refund(PENDING, ASKING)
        due.move_clock(30 * MINUTE)
        order(made, status="pending")
        due.move_clock(59 * MINUTE)
        assert SandboxObject.objects.get(stripe_id=made).data["status"] == "pending"
        due.move_clock(MINUTE)
        assert SandboxObject.objects.get(stripe_id=made).data["status"] == "succeeded"

    def test_fails_nothing_twice(self, refund: Make, order: Make, at_seller: Options) -> None:
        made = refund("pm_card_refundFail")
        order(made, status="failed", failure_reason="lost_or_stolen_card")
        due.move_clock(2 * HOUR)
        assert SandboxObject.objects.get(stripe_id=made).data["failure_reason"] == "lost_or_stolen_card"
        assert booked(at_seller) == TAKEN + RETURNED


class TestThePageOfARefund:
    @pytest.mark.parametrize(
        ("card", "through", "offered"),
        [
            (PENDING, (), ["succeeded", "requires_action", "failed"]),
            (PENDING, (ASKING,), ["succeeded", "pending", "failed"]),
            ("pm_card_visa", (), ["failed"]),
            ("pm_card_visa", ("failed",), []),
        ],
    )
    def test_offers_the_legal_moves(
        self, staff_browser: Client, refund: Make, card: str, through: tuple[str, ...], offered: list[str]
    ) -> None:
        page = text(staff_browser.get(f"/sandbox/objects/{refund(card, *through)}"))
        assert re.findall(r'name="status" value="(\w+)"', page) == offered
        assert ('name="failure_reason"' in page) == ("failed" in offered)
        assert ("Its status stays failed" in page) == (not offered)

    def test_makes_a_move_and_shows_the_refund(self, staff_browser: Client, refund: Make) -> None:
        made = refund()
        page = f"/sandbox/objects/{made}"
        form = filled(staff_browser.get(page)) | {"status": "failed", "failure_reason": "declined"}
        assert staff_browser.post(f"/sandbox/refunds/{made}", form)["Location"] == page
        assert SandboxObject.objects.get(stripe_id=made).data["failure_reason"] == "declined"
        assert "&quot;failure_reason&quot;: &quot;declined&quot;" in text(staff_browser.get(page))

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            ({"status": "pending"}, 400),
            ({"status": "canceled"}, 400),
            ({"status": ""}, 400),
            ({"status": "failed", "failure_reason": "boredom"}, 400),
        ],
    )
    def test_tells_what_cannot_be(self, staff_browser: Client, refund: Make, sent: dict[str, str], status: int) -> None:
        made = refund()
        form = filled(staff_browser.get(f"/sandbox/objects/{made}")) | sent
        before = everything()
        assert staff_browser.post(f"/sandbox/refunds/{made}", form).status_code == status
        assert everything() == before

    def test_makes_a_move_after_what_was_due_before(self, staff_browser: Client, refund: Make) -> None:
        made = refund()
        form = filled(staff_browser.get(f"/sandbox/objects/{made}")) | {"status": "requires_action"}
        with time_machine.travel(NOON + HOUR, tick=False):
            assert staff_browser.post(f"/sandbox/refunds/{made}", form).status_code == 400
        assert SandboxObject.objects.get(stripe_id=made).data["status"] == "succeeded"

    def test_does_not_know_every_id(self, staff_browser: Client, refund: Make) -> None:
        form = filled(staff_browser.get(f"/sandbox/objects/{refund()}"))
        assert staff_browser.post("/sandbox/refunds/re_unknown", form).status_code == 404

    def test_is_the_staffs_alone_and_asks_for_its_token(self, staff_browser: Client, refund: Make) -> None:
        made = refund()
        sent = {"status": "failed"}
        assert Client().post(f"/sandbox/refunds/{made}", sent)["Location"].startswith("/admin/login/")
        assert staff_browser.post(f"/sandbox/refunds/{made}", sent).status_code == 403
        assert staff_browser.get(f"/sandbox/refunds/{made}").status_code == 405
        assert SandboxObject.objects.get(stripe_id=made).data["status"] == "pending"

    def test_of_another_object_offers_no_moves(self, staff_browser: Client, pay: Make) -> None:
        assert "What becomes of it" not in text(staff_browser.get(f"/sandbox/objects/{pay().id}"))
