"""The races' own machinery: each is played once, and what goes wrong in one is told."""

from functools import partial

import pytest
from django.db import connection

from proofs import races
from proofs.races import CALLERS, RACES, Race, at_once

pytestmark = [
    pytest.mark.usefixtures("transactional_db"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row locks to race for"),
]


class TestARace:
    @pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
    def test_ends_with_books_that_agree(self, race: Race) -> None:
        assert races.play(race, seed=1) == []

    def test_tells_what_its_own_check_finds(self) -> None:
        race = Race("refused", lambda a_round: None, lambda world, a_round, number: None, lambda a_round: ["something is wrong"])
        assert races.play(race, seed=1) == ["something is wrong"]

    def test_tells_of_a_failure_of_the_service(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*arguments: object, **options: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("transactions.views.operations.create_transaction", fail)
        race = next(race for race in RACES if race.name == "same_order_created_twice")
        assert len([problem for problem in races.play(race, seed=1) if "answered 500" in problem]) == CALLERS


class TestCallersAtOnce:
    def test_are_answered_in_their_order(self) -> None:
        assert at_once([partial(int, number) for number in range(CALLERS)]) == list(range(CALLERS))
