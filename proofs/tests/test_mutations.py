"""The planted bugs' own machinery: a bug is planted while it is hunted for, and gone afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

import gateway.models
from gateway.models import RESEND_WINDOW
from proofs import mutations
from proofs.hunts import Crash
from proofs.planted_bugs import BUGS, PlantedBug

pytestmark = pytest.mark.usefixtures("transactional_db")

NAMED_BY_THE_PROJECT = {
    "timeout_stored_as_failure",
    "lock_and_sum_in_one_statement",
    "key_reused_after_a_day",
    "new_key_on_retry",
    "no_lock",
    "settlement_not_idempotent",
    "confirmation_repeated_an_hour_later",
    "transaction_open_over_the_call",
}


@dataclass(frozen=True)
class Told:
    """A hunt that finds what it was told to, step by step."""

    found: tuple[str, ...] = field(default=())
    place: str = "step"

    def steps(self) -> Iterator[list[str]]:
        return ([each] if each else [] for each in self.found)


def bug_named(name: str) -> PlantedBug:
    return next(bug for bug in BUGS if bug.name == name)


def hunted_by(*found: str) -> PlantedBug:
    return PlantedBug("bug", "A bug.", bug_named("key_reused_after_a_day").plant, (Told(found),))


class TestAPlantedBug:
    def test_is_there_while_it_is_planted_alone(self) -> None:
        with bug_named("key_reused_after_a_day").plant():
            planted = gateway.models.RESEND_WINDOW
        assert (planted, gateway.models.RESEND_WINDOW) == (timedelta(days=7), RESEND_WINDOW)

    def test_is_caught_at_the_first_step_that_finds_something(self) -> None:
        caught = mutations.hunt_down(hunted_by("", "", "found", "found again"))
        assert caught is not None
        assert (caught.steps, caught.finding, str(caught)) == (3, "found", "step 3")

    def test_that_nothing_finds_is_not_caught(self) -> None:
        assert mutations.hunt_down(hunted_by("", "")) is None

    @pytest.mark.parametrize("name", ["transaction_open_over_the_call", "new_key_on_retry"])
    def test_is_caught_by_the_crash_sweep(self, name: str) -> None:
        caught = mutations.hunt_down(bug_named(name))
        assert caught is not None
        assert isinstance(caught.hunt, Crash)
        assert mutations.false_alarms([caught]) == []


class TestAFalseAlarm:
    def test_is_what_is_found_without_a_bug(self) -> None:
        caught = mutations.Catch(Told(("", "always found", "later")), 2, "always found")
        assert mutations.false_alarms([caught]) == ["without a planted bug, step 2: always found"]


class TestTheTable:
    def test_holds_every_bug_that_has_to_be_planted(self) -> None:
        assert {bug.name for bug in BUGS} >= NAMED_BY_THE_PROJECT
        assert len({bug.name for bug in BUGS}) == len(BUGS)
