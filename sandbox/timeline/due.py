"""Carries out what has become due: at the next request, when the clock is moved, and whenever somebody asks."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import OperationalError, transaction

from sandbox.api import waiting
from sandbox.connect import verification
from sandbox.models import SandboxTask
from sandbox.money import bank_debits, coverage, disputes, ledger, payout_schedule, payouts, refund_lifecycle, settlement
from sandbox.objects import journal
from sandbox.resources import charges, payment_intent_moves
from sandbox.timeline import clock

logger = logging.getLogger(__name__)

# Each function gets the account and the id of its object, and locks what it changes in the order that `state` names.
TASKS: dict[str, Callable[[str, str], None]] = {
    bank_debits.IS_DECIDED: bank_debits.decide,
    charges.HOLD_LAPSES: payment_intent_moves.lapse,
    ledger.MONEY_AVAILABLE: ledger.make_available,
    refund_lifecycle.REFUND_EXPIRES: refund_lifecycle.expire_due,
    refund_lifecycle.REFUND_FAILS: refund_lifecycle.fail,
    refund_lifecycle.REFUND_IS_GIVEN_UP: refund_lifecycle.give_up,
    refund_lifecycle.REFUND_SETTLES: refund_lifecycle.settle,
    coverage.WAITING_REFUNDS_TRY_AGAIN: refund_lifecycle.try_again,
    settlement.CHARGE_SETTLES: settlement.settle_due,
    disputes.OPENS: disputes.open_dispute,
    disputes.IS_DECIDED: disputes.decide,
    disputes.FALLS_DUE: disputes.fall_due,
    payout_schedule.PAYOUT_DAY: payouts.pay_out_day,
    verification.DEADLINE_PASSES: verification.pass_deadline,
    payouts.IS_SENT: payouts.send,
    payouts.ARRIVES: payouts.arrive,
}


def carry_out_due() -> int:
    """Carries out everything that is due, the earliest first, each as of its own moment. Answers how many there were."""
    now, done = clock.now(), 0
    while SandboxTask.objects.filter(due_at__lte=now).exists() and _carry_out_next(now):
        done += 1
    return done


def move_clock(by: timedelta) -> int:
    """Moves the sandbox's clock forward and carries out what became due. Answers how many there were; raises TooFar."""
    with journal.change():
        clock.move_ahead(by)
    return carry_out_due()


def _carry_out_next(now: datetime) -> bool:
    """One task and its end in one transaction, so that a process that dies in between leaves it due.

    False where nothing is due any more, and where somebody holds for too long what the task needs: it stays due then, and
    those behind it too, so that whoever asked for something else is not kept.
    """
    try:
        with transaction.atomic(), waiting.limited():
            clock.lock()  # of several processes one at a time, so that a payout is sent before it arrives
            task = SandboxTask.objects.filter(due_at__lte=now).order_by("due_at", "id").first()
            if task is None:
                return False
            with clock.as_of(task.due_at), journal.change():  # the events of the change are dated then, too
                TASKS[task.kind](task.account, task.stripe_id)
            task.delete()
    except OperationalError as error:
        if not waiting.was_in_vain(error):
            raise
        logger.warning("what is due in the sandbox waits for a lock that somebody else holds: %s", error)
        return False
    return True
