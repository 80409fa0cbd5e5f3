"""`manage.py worker`: does what is due, again and again. Any number of them may run, on any number of machines."""

import logging
import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connections
from structlog.contextvars import clear_contextvars

from commercecore_payments import work as table
from commercecore_payments.heartbeats import Heartbeat
from commercecore_payments.management.database import refuse_database_without_tables
from commercecore_payments.work import Group

logger = logging.getLogger(__name__)

# Seconds between two looks for work where there was none: as long as a consumer waits for an event at the worst. A look for
# deliveries finds nothing in an index of what is pending: 0.4 ms on PostgreSQL beside 5,000 endpoints and 250,000 old deliveries.
PAUSE_S = 0.5


class Command(BaseCommand):
    help = "Recovers operations, delivers events and tidies up, until SIGTERM or Ctrl-C: what was begun is then finished first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Do what is due now, and end.")
        parser.add_argument("--parent", type=int, help="End when this process is no longer the parent, as after its crash.")

    def handle(self, *args: Any, once: bool, parent: int | None, **options: Any) -> None:
        """Raises CommandError where there is no database to begin with. One that fails later is waited for."""
        refuse_database_without_tables()
        told_to_end: SimpleQueue[None] = SimpleQueue()  # the one way to tell it that a signal's handler may take at any moment
        # A parent tells by SIGTERM, and Ctrl-C is its own affair.
        for one in (signal.SIGTERM,) if parent else (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: told_to_end.put(None))
        logger.info("worker %s started", os.getpid())
        if once:
            work_off(lambda: not told_to_end.empty())
        else:
            heartbeat = Heartbeat()
            keep_working(lambda: _is_over(told_to_end, heartbeat) or (parent is not None and os.getppid() != parent))
            heartbeat.end()
        logger.info("worker %s stopped", os.getpid())


def _is_over(told_to_end: "SimpleQueue[None]", heartbeat: Heartbeat) -> bool:
    """Whether a signal has come, which is waited for as long as a pause lasts. Meanwhile it is told that this process lives."""
    heartbeat.beat_when_due()
    try:
        told_to_end.get(timeout=PAUSE_S)
    except Empty:
        return False
    return True


def work_off(is_stopping: Callable[[], bool]) -> None:
    """Does what is due in every group, and what becomes due by that."""
    groups = table.threads()
    with ThreadPoolExecutor(len(groups)) as pool:
        while any(list(pool.map(lambda group: _exhaust(group, is_stopping), groups))):
            continue


def _exhaust(group: Group, is_stopping: Callable[[], bool]) -> bool:
    found_any = False
    while work(group, is_stopping):
        found_any = True
    return found_any


def keep_working(is_over: Callable[[], bool]) -> None:
    """Works in all threads until `is_over`, which is asked again and again and waits a moment each time.

    What was begun is finished. A thread's error, other than the database's, ends all and is raised.
    """
    stop = threading.Event()
    groups = table.threads()
    with ThreadPoolExecutor(len(groups)) as pool:
        running = [pool.submit(_work_until, stop, group) for group in groups]
        while not is_over() and not any(one.done() for one in running):
            continue
        stop.set()
        for one in running:
            one.result()


def _work_until(stop: threading.Event, group: Group) -> None:
    while not stop.is_set():
        if not work(group, stop.is_set):
            stop.wait(PAUSE_S)


def work(group: Group, is_stopping: Callable[[], bool]) -> bool:
    """Does one piece of every job of the group that has something due; whether there was any. One that fails is tried later."""
    found_any = False
    for name, job in table.JOBS.items():
        if job.group != group:
            continue
        if is_stopping():
            return found_any
        clear_contextvars()  # what the log knew of another piece of work
        try:
            found_any = job.do_next() or found_any
        except Error:
            logger.exception("worker: %s failed", name)
    connections.close_all()  # given back while nothing is done, and replaced after a failover
    return found_any
