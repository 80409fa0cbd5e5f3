"""The simulation: a marketplace lives through random operations, faults, clock jumps and restarts, made from a seed.

    result = run_seed(7, steps=50)

Afterwards the faults stop, recovery has 24 simulated hours, and Stripe's own ledger is compared with the service's. Every
decision comes from one random generator, and on SQLite time moves by the simulation alone: a seed plays the same again. Only
ids and secrets are new each time.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import OperationalError

from accounts.models import ConnectedAccount
from commercecore_payments import clock
from gateway.models import Operation
from proofs.buyers import CONFIRM, Ask, Buyers
from proofs.confirming import Confirming
from proofs.findings import Finding, Rule
from proofs.surroundings import BEGINNING, simulated_waiting, surroundings
from proofs.troubles import STRIPE_SLOWER, Trouble, Wire, choose
from proofs.verdicts import charged_after_not_done, reviews, unjustified_reviews
from proofs.world import Killed, World, at_stripe, due_at, restart
from refunds.models import Refund
from sandbox.connect.onboarding import complete_onboarding
from transactions.models import Transaction

__all__ = ["BEGINNING", "SeedResult", "run_seed"]

SELLERS = 2
# The books are compared this often on the way, and at the end.
STEPS_BETWEEN_COMPARISONS = 10
# Seconds until a recovery that is late comes: past the first tries of its schedule, and past the time of a confirmation.
LATE_S = (60, 130, 200, 400, 4000, 20 * 3600)
# Seconds that people often take while a request is still on its way, so that something happens before and after it lands.
PATIENCE_S = (5, 45)
# How often a seller leaves when a buyer has just answered a challenge, of which nobody here knows yet.
SELLER_LEAVES = 0.4
# How many of those who were told nothing ask no more: their request is recovery's alone, and maybe late.
WALKS_AWAY = 0.3
# Seconds to jump: a moment, past a call, past the time to send a confirmation again, hours, past the keys' life, past a hold.
JUMPS_S = (1, 20, 45, 45, 130, 130, 600, 3600, 3600, 4 * 3600, 12 * 3600, 23 * 3600, 25 * 3600, 8 * 86_400)


# One thing that happens, given the trouble that it meets; it answers what the log says.
Act = Callable[[Trouble | None], str]


@dataclass
class SeedResult:
    """What became of one seed. `log` tells every step; `reviews` counts what was left to a person, by its kind."""

    seed: int
    steps: int
    findings: list[Finding] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    reviews: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    scenes: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "findings": [finding.as_dict() for finding in self.findings]}


def run_seed(seed: int, *, steps: int = 50) -> SeedResult:
    """Lives through one seed in a database of its own run, which it empties first."""
    result = SeedResult(seed, steps)
    random = Random(seed)  # noqa: S311 - it has to be repeatable, and guards nothing
    with surroundings(random) as ahead, World.create(sellers=SELLERS) as world:
        world.tenant.version = "2026-12-01"  # the version whose statuses mean what they say
        world.stripe_ahead, world.stripe_slower = ahead, STRIPE_SLOWER
        Simulation(world, random, result).run()
    gc.collect()
    return result


class _Others:
    """What others do in a simulation while a request is on its way, or while a process is held up."""

    def __init__(self, simulation: "Simulation") -> None:
        self.simulation = simulation

    def act(self) -> None:
        self.simulation.step(is_meanwhile=True)

    def recover(self) -> None:
        self.simulation.step(self.simulation.recover, is_meanwhile=True)

    def read_payment(self, intent_id: str) -> None:
        read = self.simulation.buyers.read_about(intent_id)
        if read is not None:
            self.simulation.step(self.simulation.ask(read), is_meanwhile=True)


class Simulation:
    """One world on its way through a seed."""

    def __init__(self, world: World, random: Random, result: SeedResult) -> None:
        self.world = world
        self.random = random
        self.result = result
        self.buyers = Buyers(world, random)
        self.wire = Wire(world, _Others(self), random)
        self.outage_left = 0
        # What was asked last: what others do meanwhile is mostly about the same.
        self.asked: Ask | None = None
        # The confirmations that are being asked for, one inside of another.
        self.confirming: list[Confirming] = []
        self.began = _now()

    def run(self) -> None:
        with simulated_waiting(self.wire.pass_time), self.wire.open():
            for number in range(1, self.result.steps + 1):
                self._count_down_outage()
                self.step()
                if number % STEPS_BETWEEN_COMPARISONS == 0:
                    self._compare()
                if self.result.findings:
                    return
            self._come_to_rest()

    # One step

    def step(self, act: Act | None = None, *, is_meanwhile: bool = False) -> None:
        """Something happens, chosen at random unless it is named, and so is its trouble.

        What happens meanwhile, while another request is at Stripe, stops no clock and no wire.
        """
        act = act or (None if is_meanwhile else self._some_act_of_the_impatient())
        if act is None and self.wire.late and not is_meanwhile and self.random.random() < 0.5:
            self.wire.pass_time(self.random.randint(*PATIENCE_S))
        trouble = choose(self.random, may_interleave=not is_meanwhile)
        act = act or self._some_act(is_meanwhile=is_meanwhile)
        kind = trouble.kind if trouble else "none"
        self.result.troubles[kind] += 1
        try:
            with self.wire.step(trouble):
                told = act(trouble)
        except (Killed, OperationalError) as died:  # without its database a recovery ends, as its worker would
            restart()
            told = f"died: {type(died).__name__}"
        self._log(f"{'  meanwhile: ' if is_meanwhile else ''}{told}" + (f"  [{trouble}]" if trouble else ""))

    def _some_act(self, *, is_meanwhile: bool) -> Act:
        chance = self.random.random()
        if is_meanwhile:
            return self._some_act_of_another(chance)
        if self.buyers.unanswered is not None and self.random.random() < WALKS_AWAY:
            self.buyers.unanswered = None
            return self._recover_late
        if chance > 0.98:
            return self._begin_outage
        return self._pass_time if chance > 0.91 else self._some_act_of_people(chance)

    def _some_act_of_the_impatient(self) -> Act | None:
        """While Stripe is still at work on a confirmation that brought no answer, its buyer tries a card that is declined."""
        seconds, unanswered = self.wire.seconds_until_confirmed(), self.buyers.unanswered
        if seconds is None or unanswered is None or unanswered.path != CONFIRM or self.random.random() < 0.1:
            return None
        self.result.scenes["another card while Stripe is at work on the first"] += 1
        self.wire.pass_time(max(seconds - self.random.randint(1, 20), 0))
        return self.ask(self.buyers.ask_with_declined_card(unanswered))

    def _some_act_of_another(self, chance: float) -> Act:
        """What happens while a request is at Stripe is mostly about the same thing, or a recovery."""
        if self.asked is not None and chance < 0.35 and not self.buyers.is_about_given_up(self.asked):
            return self.ask(self.buyers.ask_again(self.asked))
        return self.recover if chance < 0.55 else self._some_act_of_people(chance)

    def _some_act_of_people(self, chance: float) -> Act:
        if chance > 0.85 and self._challenges():
            return self._answer_challenge
        if chance > 0.75 and due_at() is not None:
            return self._recover_when_due
        return self.ask(self.buyers.ask())

    def ask(self, ask: Ask | None) -> Act:
        def act(trouble: Trouble | None) -> str:
            if ask is None:
                return "nothing to ask about"
            self.asked, self.buyers.unanswered = ask, ask
            self._log(f"asks {ask.verb} {_route(ask)} {ask.about} {ask.user} {ask.key}")
            with self._confirming(ask) as confirming:
                answer = ask.send(self.world)
            told = _told(answer)
            self.result.answers[str(answer.status_code)] += 1
            if answer.status_code == 500 and (trouble is None or trouble.kind != "database_lost"):
                self._failed(ask, answer)
            self.buyers.learn(ask, answer)
            if confirming is not None and confirming.was_told_not_done(answer):
                self.buyers.refused = confirming.payment
                told_after = " after a suspension" if trouble is not None and trouble.kind == "suspended" else ""
                self.result.scenes[f"told that nothing was charged{told_after}"] += 1
            self._learn_accounts(ask, answer)
            return f"-> {told}"

        return act

    @contextmanager
    def _confirming(self, ask: Ask) -> Iterator[Confirming | None]:
        payment = self.buyers.payment_of(ask) if ask.path == CONFIRM else None
        if payment is None:
            yield None
            return
        confirming = Confirming(ask, payment, others=any(other.payment is payment for other in self.confirming))
        confirming.begin()
        if self.buyers.refused is payment:
            self.buyers.refused = None
        self.confirming.append(confirming)
        try:
            yield confirming
        finally:
            self.confirming.pop()

    def _failed(self, ask: Ask, answer: Any) -> None:
        error = answer.exc_info[1] if getattr(answer, "exc_info", None) else "?"
        sentence = f"{ask.verb} {_route(ask)} was answered with 500 ({type(error).__name__}: {error})."
        self.result.findings.append(Finding(Rule.SERVICE_FAILED, sentence))

    def _learn_accounts(self, ask: Ask, answer: Any) -> None:
        """A new seller is onboarded at once; of one who is gone nothing is bought any more."""
        if ask.verb == "DELETE" and answer.status_code == 200:
            self.world.sellers = [seller for seller in self.world.sellers if seller not in ask.path]
        if ask.path != "/connected-accounts" or answer.status_code != 201:
            return
        account_id = answer.json()["data"]["account_id"]
        # A repeat under a key is told of its account after that was deleted too.
        if account_id not in self.world.sellers and not self.world.is_gone(account_id):
            with at_stripe():
                complete_onboarding(account_id=account_id)
            self.world.sellers.append(account_id)

    def recover(self, trouble: Trouble | None) -> str:
        return f"recovers {self.world.recover()}"

    def _recover_late(self, trouble: Trouble | None) -> str:
        """The caller is gone, and recovery comes when it comes."""
        seconds = self.random.choice(LATE_S)
        self.wire.pass_time(seconds)
        return f"{timedelta(seconds=seconds)} later {self.recover(trouble)}"

    def _recover_when_due(self, trouble: Trouble | None) -> str:
        """Recovery comes when the next operation is due, or finds that none is."""
        moment = due_at()
        if moment is not None and self.random.random() < 0.7:
            self.wire.pass_time(max((moment - clock.database_now()).total_seconds(), 0))
        return self.recover(trouble)

    def _answer_challenge(self, trouble: Trouble | None) -> str:
        waiting = self._challenges()
        number, passes = self.random.randrange(len(waiting)), self.random.random() < 0.75
        self.world.answer_challenge(waiting[number], passes=passes)
        told = f"challenge {number} {'passed' if passes else 'failed'}"
        seller = self.world.seller_of(waiting[number])
        if seller is None or len(self.world.sellers) == 1 or self.random.random() > SELLER_LEAVES:
            return told
        self.result.scenes["seller deleted just after a challenge"] += 1
        deletion = self.ask(self.buyers.delete_seller(self.world.sellers.index(seller)))
        return f"{told}, and its seller leaves {deletion(trouble)}"

    def _challenges(self) -> list[str]:
        """What waits for its buyer, who answers nothing that was told to be over."""
        over = {payment.transaction_id for payment in self.buyers.given_up()}
        return [intent_id for intent_id in self.world.challenges() if intent_id not in over]

    def _pass_time(self, trouble: Trouble | None) -> str:
        seconds = self.random.choice(JUMPS_S)
        self.wire.pass_time(seconds)
        return f"{timedelta(seconds=seconds)} pass"

    def _begin_outage(self, trouble: Trouble | None) -> str:
        self.outage_left = self.random.randint(2, 6)
        self.wire.outage = self.random.choice(
            ("refuse_connection", "time_out_before", "time_out_after", "fail_inside", "limit_rate")
        )
        return f"outage: {self.wire.outage}"

    def _count_down_outage(self) -> None:
        self.outage_left -= 1
        if self.outage_left <= 0:
            self.wire.outage = ""

    # The end

    def _come_to_rest(self) -> None:
        self.wire.calm()
        self.result.findings += self.world.settle_down()
        self._read_everything()
        developer_id = self.world.tenant.developer.pk
        self.result.reviews.update(reviews())
        self.result.findings += unjustified_reviews(developer_id)
        self._compare(at_rest=True)
        self.result.findings += charged_after_not_done(developer_id, self.buyers.given_up())
        self.result.scenes.update(self.wire.scenes)
        self.result.scenes["bought the same by another order"] += len(self.buyers.given_up())
        self.result.operations.update(Operation.objects.values_list("kind", flat=True))

    def _read_everything(self) -> None:
        """What may have moved at Stripe by itself is read once more, as its shop would."""
        for account in ConnectedAccount.objects.filter(status="active"):
            for payment in Transaction.objects.filter(account=account).exclude(stripe_payment_intent_id=""):
                self._read(f"/transactions/{payment.stripe_payment_intent_id}", payment.user_id)
            for refund in Refund.objects.filter(transaction__account=account).exclude(stripe_refund_id=""):
                self._read(f"/refunds/{refund.stripe_refund_id}", refund.user_id)

    def _read(self, path: str, user: str) -> None:
        answer = self.world.get(path, user=user)
        if answer.status_code != 200:
            sentence = f"GET {path} is {answer.status_code} though no fault is left: {answer.content.decode()[:200]}"
            self.result.findings.append(Finding(Rule.SERVICE_FAILED, sentence))

    def _compare(self, *, at_rest: bool = False) -> None:
        self.result.findings += self.world.findings(at_rest=at_rest)

    def _log(self, line: str) -> None:
        self.result.log.append(f"{_now() - self.began}  {line}")


def _now() -> datetime:
    return clock.now()


def _route(ask: Ask) -> str:
    """The address without ids, which are new each time."""
    return "/".join("…" if "_" in part and any(letter.isdigit() for letter in part) else part for part in ask.path.split("/"))


def _told(answer: Any) -> str:
    body = answer.json() if answer["Content-Type"].startswith("application/json") else {}
    status = (body.get("data") or {}).get("status", "") if isinstance(body.get("data"), dict) else ""
    replayed = " replayed" if answer.get("Idempotent-Replayed") else ""
    return f"{answer.status_code} {body.get('details', {}).get('code', status)}{replayed}"
