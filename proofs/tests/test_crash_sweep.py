"""The crash sweep's own machinery: processes really die, where they are told to, and what they leave is judged."""

import os

import pytest
from django.db import transaction

from gateway.client import stripe_client
from gateway.models import Operation
from proofs import crash_runs, crash_sweep
from proofs.crash_points import AFTER_STRIPE, BEFORE_STRIPE, at_point, die, in_a_process, nothing, watched
from proofs.crash_sweep import FEW, FEW_WRITES, Play, Sweep, one_of_each_family
from proofs.fates import ENDINGS, FATES, fates
from proofs.report import Options, Part
from proofs.scenes import CASES, Case, Scene, is_write, measure
from proofs.swept_operations import OPERATIONS
from transactions.models import Transaction

pytestmark = pytest.mark.usefixtures("transactional_db")


def case_named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def sweep_of(name: str) -> Sweep:
    case = case_named(name)
    return crash_sweep.sweep(case, measure(case.operation))


def play_at_the_write(sweep: Sweep, where: str, fate: str, ending: str) -> list[str]:
    number = sweep.measured.last_write(where)
    return sweep.play(Play(number, sweep.measured.labels[number - 1], fate, ending))


class TestAProcess:
    def test_answers_what_it_did(self) -> None:
        assert in_a_process(os.getpid) != os.getpid()

    def test_that_is_killed_answers_nothing(self) -> None:
        assert in_a_process(lambda: die("")) is None

    def test_that_fails_says_why(self) -> None:
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            in_a_process(lambda: 1 / 0)

    def test_loses_what_it_had_not_committed(self) -> None:
        operation = next(one for one in OPERATIONS if one.name == "create_transaction")
        labels = measure(operation).labels
        scene = Scene.set(operation)
        in_a_process(lambda: scene.perform(at_point(labels.index("after INSERT transactions_transaction") + 1, die)))
        assert Transaction.objects.filter(account__stripe_account_id=scene.world.sellers[0]).count() == 0


class TestPoints:
    def test_stand_around_each_statement_commit_and_call_of_stripe(self) -> None:
        labels = sweep_of("create_transaction").measured.labels
        for expected in (
            "INSERT transactions_transaction",
            "INSERT gateway_operation",
            "COMMIT",
            "Stripe POST /v1/payment_intents",
        ):
            assert labels.index(f"before {expected}") < labels.index(f"after {expected}")

    def test_do_not_stand_in_what_stripe_does_itself(self) -> None:
        labels = sweep_of("create_transaction").measured.labels
        assert not [label for label in labels if "sandbox" in label]
        before = labels.index("before Stripe POST /v1/payment_intents")
        assert labels[before + 1] == "after Stripe POST /v1/payment_intents"

    def test_tell_of_a_transaction_that_is_open_over_a_call(self) -> None:
        scene = Scene.set(next(one for one in OPERATIONS if one.name == "confirm"))
        with watched(nothing) as passage:
            scene.ask()
            with transaction.atomic():
                stripe_client().v1.balance.retrieve()
        assert passage.violations == [
            "a transaction is open over GET /v1/balance",
            "the database connection is held over GET /v1/balance",
        ]

    def test_have_each_fate_that_fits_them(self) -> None:
        assert fates("after COMMIT") == ["killed"]
        assert fates(f"{AFTER_STRIPE} GET /v1/refunds") == ["killed", "connection_lost"]
        assert fates(f"{BEFORE_STRIPE} POST /v1/refunds") == list(FATES)


class TestAPlay:
    @pytest.mark.parametrize(("fate", "ending"), list(zip(FATES, ENDINGS, strict=True)))
    def test_of_a_confirmation_finds_nothing(self, fate: str, ending: str) -> None:
        assert play_at_the_write(sweep_of("confirm"), BEFORE_STRIPE, fate, ending) == []

    def test_of_a_recovery_finds_nothing(self) -> None:
        sweep = sweep_of("recovery_of_refund_part_unanswered")
        assert play_at_the_write(sweep, AFTER_STRIPE, "killed", "nobody_repeats") == []

    def test_at_a_point_that_does_not_exist_is_a_finding(self) -> None:
        sweep = sweep_of("create_transaction")
        [problem] = sweep.play(Play(10_000, "nowhere", "killed", "nobody_repeats"))
        assert problem.startswith("the point was not reached")

    def test_finds_what_recovery_does_not_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("proofs.world.World.recover", lambda self, limit=None: 0)
        monkeypatch.setattr("proofs.world.MOST_RECOVERIES", 1)
        problems = play_at_the_write(sweep_of("create_transaction"), AFTER_STRIPE, "killed", "nobody_repeats")
        assert "payment_intent.create is sending" in problems
        assert Operation.objects.open().exists()


class TestAPointThatIsNamed:
    def test_is_played_alone_with_every_ending(self) -> None:
        part = crash_sweep.prove(Options(operation="create_transaction", point=1))
        assert (part.violations, part.played) == ([], len(ENDINGS))

    def test_and_does_not_exist_is_not_played(self) -> None:
        part = crash_sweep.prove(Options(operation="create_transaction", point=10_000))
        points = len(sweep_of("create_transaction").measured.labels)
        assert (part.is_green, part.played) == (False, 0)
        assert part.unplayed == f"create_transaction has {points} crash points"

    def test_of_what_writes_nothing_to_stripe_is_not_played(self) -> None:
        part = crash_sweep.prove(Options(operation="recovery_of_prefer_card_unsent"))
        assert (part.is_green, part.unplayed) == (False, "what writes nothing to Stripe leaves nothing to recover")


class TestBothDatabases:
    def test_are_swept_or_nothing_is_proven(self) -> None:
        whole = Part("crash sweep")
        swept = {"sqlite": Part("crash sweep", unplayed="nothing"), "postgresql": Part("crash sweep", played=3)}
        crash_runs.add(whole, swept, Options())
        assert (whole.is_green, whole.unplayed) == (False, "sqlite: nothing")

    def test_may_differ_in_the_points_that_they_have(self) -> None:
        whole = Part("crash sweep")
        swept = {"sqlite": Part("crash sweep", unplayed="nothing"), "postgresql": Part("crash sweep", played=3)}
        crash_runs.add(whole, swept, Options(operation="confirm", point=143))
        assert (whole.is_green, whole.played, whole.unplayed) == (True, 3, "")

    def test_are_both_named_where_neither_has_the_point(self) -> None:
        whole = Part("crash sweep")
        swept = {name: Part("crash sweep", unplayed="confirm has 140 crash points") for name in ("sqlite", "postgresql")}
        crash_runs.add(whole, swept, Options(operation="confirm", point=143))
        assert whole.unplayed == "sqlite: confirm has 140 crash points; postgresql: confirm has 140 crash points"


class TestTheLongForm:
    def test_plays_every_point_with_every_ending(self) -> None:
        sweep = sweep_of("create_transaction")
        whole = sweep.plays(is_whole=True)
        assert {play.number for play in whole} == set(range(1, len(sweep.measured.labels) + 1))
        assert {play.ending for play in whole} == set(ENDINGS)
        assert {(play.number, play.fate) for play in sweep.plays(is_whole=False)} < {(play.number, play.fate) for play in whole}


class TestTheQuickForm:
    def test_plays_points_anywhere_and_at_the_writes(self) -> None:
        sweep = sweep_of("create_transaction")
        whole = {(play.number, play.fate, play.ending) for play in sweep.plays(is_whole=True)}
        few = sweep.few_plays(sample=1)
        assert FEW_WRITES <= len(few) <= FEW + FEW_WRITES
        assert {(play.number, play.fate, play.ending) for play in few} <= whole
        assert len([play for play in few if is_write(play.label)]) >= FEW_WRITES

    def test_plays_other_points_with_another_sample_and_the_same_with_the_same(self) -> None:
        sweep = sweep_of("create_transaction")
        assert sweep.few_plays(sample=1) == sweep.few_plays(sample=1)
        seen = {play.point for sample in range(200) for play in sweep.few_plays(sample)}
        assert seen == {play.point for play in sweep.plays(is_whole=True)}

    def test_meets_every_operation_and_one_recovery_of_each(self) -> None:
        cases = one_of_each_family(list(CASES), sample=1)
        assert [case.name for case in cases if not case.died] == [operation.name for operation in OPERATIONS]
        assert [case.operation.name for case in cases if case.died] == [operation.name for operation in OPERATIONS]
        met = {case.name for sample in range(50) for case in one_of_each_family(list(CASES), sample)}
        assert met == {case.name for case in CASES}
