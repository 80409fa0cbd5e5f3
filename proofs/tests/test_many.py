"""What the proof of many processes judges by: answers that are not true, and what grows."""

from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from proofs import soak
from proofs.answer_rules import broken_promises
from proofs.many import Played
from proofs.shoppers import Deed
from proofs.soak import EVERY_S, QUEUES, Sample, not_flat, watch

TAKEN = "txn_1"  # the balance transaction of a refund that moved money


def books(*, charges: tuple[dict[str, Any], ...] = (), refunds: tuple[int, ...] = (), status: str = "succeeded") -> Any:
    """Both sides about one payment of 1,000."""

    def rows(objects: Any) -> list[Any]:
        return [SimpleNamespace(payment_intent="pi_1", data=each) for each in objects]

    intent = SimpleNamespace(stripe_id="pi_1", data={"status": status})
    there = rows({"amount": amount, "balance_transaction": TAKEN} for amount in refunds)
    stripe = {"payment_intent": [intent], "charge": rows(charges), "refund": there}
    return SimpleNamespace(stripe=stripe, payments=[SimpleNamespace(stripe_payment_intent_id="pi_1")])


def charge(captured: int = 1000, status: str = "succeeded") -> dict[str, Any]:
    return {"status": status, "amount_captured": captured}


def deed(act: str, status: int = 200, amount: int = 1000) -> Deed:
    return Deed(act, "pi_1", amount, status, {})


TRUE = [
    ([deed("confirm")], books(charges=(charge(),))),
    ([deed("confirm", 402)], books(charges=(charge(0, "failed"),))),
    ([deed("confirm"), deed("capture", 200, 600)], books(charges=(charge(600),))),
    ([deed("cancel")], books(status="canceled")),
    ([deed("refund", 201, 300), deed("refund", 0, 200)], books(charges=(charge(),), refunds=(300, 200))),
    ([deed("refund", 201, 300), deed("refund", 0, 200)], books(charges=(charge(),), refunds=(300,))),
]
UNTRUE = [
    ([deed("confirm")], books()),
    ([deed("confirm")], books(charges=(charge(), charge()))),
    ([deed("confirm", 402)], books(charges=(charge(),))),
    ([deed("capture", 200, 600)], books(charges=(charge(1000),))),
    ([deed("cancel")], books(status="requires_capture")),
    ([deed("refund", 201, 300)], books(charges=(charge(),))),
    ([deed("refund", 201, 300)], books(charges=(charge(),), refunds=(300, 300))),
    ([Deed("create", "pi_2", 1000, 201, {})], books()),
]


class TestAnAnswer:
    @pytest.mark.parametrize(("deeds", "both_sides"), TRUE)
    def test_that_is_true_is_no_finding(self, deeds: list[Deed], both_sides: Any) -> None:
        assert broken_promises(both_sides, deeds) == []

    @pytest.mark.parametrize(("deeds", "both_sides"), UNTRUE)
    def test_that_is_not_true_is_found(self, deeds: list[Deed], both_sides: Any) -> None:
        assert len(broken_promises(both_sides, deeds)) == 1


def samples(*, memory_mb_an_hour: float = 0.0, age_s_an_hour: float = 0.0) -> list[Sample]:
    """Half an hour of a process of 100 MB that swings by one, and of queues that swing by two seconds."""
    taken = []
    for number in range(180):
        hours, swing = number * EVERY_S / 3600, number % 2
        age_s = 2 * swing + age_s_an_hour * hours
        taken.append(Sample(hours * 3600, {"web 0": 100 + swing + memory_mb_an_hour * hours}, dict.fromkeys(QUEUES, age_s)))
    return taken


class TestARun:
    def test_in_which_no_request_was_answered_proves_nothing(self) -> None:
        shopper = SimpleNamespace(deeds=[deed("create", 0), deed("create", 0)])
        assert Played([shopper], [], [], {}).answered == 0  # type: ignore[list-item]
        shopper.deeds.append(deed("create", 201))
        assert Played([shopper], [], [], {}).answered == 1  # type: ignore[list-item]


class TestASoak:
    def test_goes_on_when_the_database_ends_its_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        is_over, samples, looks = Event(), list[Sample](), list[int]()

        def ages() -> dict[str, float]:
            looks.append(1)
            if len(looks) == 1:
                raise OperationalError("terminating connection due to administrator command")
            if len(looks) == 3:
                is_over.set()
            return {}

        monkeypatch.setattr(soak, "EVERY_S", 0.0)
        monkeypatch.setattr(soak, "_ages", ages)
        watch(SimpleNamespace(members=[]), is_over, samples)  # type: ignore[arg-type]
        assert len(samples) == 2

    def test_finds_nothing_in_what_is_flat_or_in_what_is_too_short(self) -> None:
        assert not_flat(samples(), ["web 0"]) == []
        assert not_flat(samples(memory_mb_an_hour=4_000)[:20], ["web 0"]) == []

    def test_finds_memory_that_grows_and_queues_that_age(self) -> None:
        assert not_flat(samples(memory_mb_an_hour=80), ["web 0"]) == ["the memory of web 0 grew by 19.8 MB over the second half"]
        assert len(not_flat(samples(age_s_an_hour=600), ["web 0"])) == len(QUEUES)
