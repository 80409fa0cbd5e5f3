"""A few seeds of the simulation in the suite; thousands of them are played by `make prove-long`."""

import pytest
from django.db import connection

from commercecore_payments import clock
from proofs.simulation import BEGINNING, run_seed


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_seed_ends_with_books_that_agree(transactional_db: None, seed: int) -> None:
    result = run_seed(seed, steps=25)
    assert [str(finding) for finding in result.findings] == []
    assert result.operations.total() > 0


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a clock of its own, which moves on")
def test_a_seed_plays_the_same_again(transactional_db: None) -> None:
    first, again = run_seed(5, steps=25), run_seed(5, steps=25)
    assert first.log == again.log
    assert len(first.log) > 25


def test_the_clock_goes_on_as_before(transactional_db: None) -> None:
    before = clock.now()
    run_seed(6, steps=5)
    assert 0 <= (clock.now() - before).total_seconds() < 120
    assert before != BEGINNING
