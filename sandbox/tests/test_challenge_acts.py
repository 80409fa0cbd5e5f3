"""What the staff may answer on the page of an object: an open challenge, an open review."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from sandbox.models import SandboxObject
from sandbox.tests.page_forms import text

Make = Callable[..., Any]
Options = dict[str, str]

CHALLENGED, RISKY = "pm_card_authenticationRequired", "pm_card_riskLevelElevated"


def everything() -> list[Any]:
    """All that there is, events among it."""
    return list(SandboxObject.objects.order_by("pk").values_list("pk", "data", "hidden"))


def token(page: Any) -> dict[str, str]:
    """The forms' token of a page."""
    return {"csrfmiddlewaretoken": str(page.context["csrf_token"])}


class TestThePageOfAnIntentWithAnOpenChallenge:
    @pytest.fixture
    def challenged(self, pay: Make) -> str:
        """A payment that waits for its buyer."""
        return str(pay(CHALLENGED).id)

    @pytest.mark.parametrize(
        ("name", "outcome", "status"), [("Complete", "complete", "succeeded"), ("Fail", "fail", "requires_payment_method")]
    )
    def test_offers_both_answers_and_takes_them(
        self, v1: Any, at_seller: Options, staff_browser: Client, challenged: str, name: str, outcome: str, status: str
    ) -> None:
        page = staff_browser.get(f"/sandbox/objects/{challenged}")
        assert f'action="/sandbox/challenges/{challenged}"' in text(page)
        assert f'name="outcome" value="{outcome}">{name}</button>' in text(page)
        answer = staff_browser.post(f"/sandbox/challenges/{challenged}", token(page) | {"outcome": outcome})
        assert (answer.status_code, answer["Location"]) == (302, f"/sandbox/objects/{challenged}")
        assert v1.payment_intents.retrieve(challenged, None, at_seller).status == status
        assert "/sandbox/challenges/" not in text(staff_browser.get(f"/sandbox/objects/{challenged}"))

    def test_is_that_of_a_setup_as_well(self, v1: Any, at_seller: Options, staff_browser: Client) -> None:
        sent = {"payment_method": CHALLENGED, "confirm": True, "return_url": "https://shop.example"}
        setup = v1.setup_intents.create(sent, at_seller).id
        page = staff_browser.get(f"/sandbox/objects/{setup}")
        assert staff_browser.post(f"/sandbox/challenges/{setup}", token(page) | {"outcome": "complete"}).status_code == 302
        assert v1.setup_intents.retrieve(setup, None, at_seller).status == "succeeded"

    @pytest.mark.parametrize("outcome", ["", "maybe"])
    def test_takes_no_other_answer(self, staff_browser: Client, challenged: str, outcome: str) -> None:
        page = staff_browser.get(f"/sandbox/objects/{challenged}")
        before = everything()
        assert staff_browser.post(f"/sandbox/challenges/{challenged}", token(page) | {"outcome": outcome}).status_code == 400
        assert everything() == before

    @pytest.mark.parametrize("intent", ["paid", "pi_unknown"])
    def test_tells_that_nobody_waits(self, staff_browser: Client, challenged: str, pay: Make, intent: str) -> None:
        named = pay().id if intent == "paid" else intent
        page = staff_browser.get(f"/sandbox/objects/{challenged}")
        before = everything()
        answer = staff_browser.post(f"/sandbox/challenges/{named}", token(page) | {"outcome": "complete"})
        assert (answer.status_code, everything()) == (404, before)
        assert "waits for its buyer." in text(answer)

    def test_is_for_the_staff_alone_and_needs_its_token(self, staff_browser: Client, challenged: str) -> None:
        address, sent, before = f"/sandbox/challenges/{challenged}", {"outcome": "complete"}, everything()
        assert staff_browser.post(address, sent).status_code == 403
        assert "/admin/login/" in Client().post(address, sent)["Location"]
        assert staff_browser.get(address).status_code == 405
        assert everything() == before


class TestThePageOfAReview:
    @pytest.fixture
    def review(self, pay: Make) -> str:
        """An open review."""
        return str(pay(RISKY).review)

    def test_offers_to_approve_it_while_it_is_open(self, v1: Any, at_seller: Options, staff_browser: Client, review: str) -> None:
        page = staff_browser.get(f"/sandbox/objects/{review}")
        assert ">Approve</button>" in text(page)
        answer = staff_browser.post(f"/sandbox/reviews/{review}", token(page))
        assert (answer.status_code, answer["Location"]) == (302, f"/sandbox/objects/{review}")
        assert v1.reviews.retrieve(review, None, at_seller).closed_reason == "approved"
        assert ">Approve</button>" not in text(staff_browser.get(f"/sandbox/objects/{review}"))

    def test_tells_that_it_is_closed_or_unknown(self, v1: Any, at_seller: Options, staff_browser: Client, review: str) -> None:
        page = staff_browser.get(f"/sandbox/objects/{review}")
        v1.reviews.approve(review, None, at_seller)
        before = everything()
        closed = staff_browser.post(f"/sandbox/reviews/{review}", token(page))
        assert (closed.status_code, "is already closed: approved." in text(closed)) == (400, True)
        assert staff_browser.post("/sandbox/reviews/prv_1none", token(page)).status_code == 404
        assert everything() == before

    def test_is_for_the_staff_alone_and_needs_its_token(self, staff_browser: Client, review: str) -> None:
        address, before = f"/sandbox/reviews/{review}", everything()
        assert staff_browser.post(address).status_code == 403
        assert "/admin/login/" in Client().post(address)["Location"]
        assert staff_browser.get(address).status_code == 405
        assert everything() == before
