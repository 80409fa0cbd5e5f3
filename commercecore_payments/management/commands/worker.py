"""`manage.py worker`: does what is due, again and again. Any number of them may run, on any number of machines."""

import logging
import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connections

from commercecore_payments.management.database import refuse_database_without_tables
from commercecore_payments.work import JOBS

logger = logging.getLogger(__name__)

# Seconds between two looks for work where there was none: nobody notices them beside a schedule that begins at a minute.
PAUSE_S = 2.0


class Command(BaseCommand):
    help = "Recovers operations and tidies up, until SIGTERM or Ctrl-C: what was begun is then finished first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Do what is due now, and end.")
        parser.add_argument("--parent", type=int, help="End when this process is no longer the parent, as after its crash.")

    def handle(self, *args: Any, once: bool, parent: int | None, **options: Any) -> None:
        """Raises CommandError where there is no database to begin with. One that fails later is waited for."""
        refuse_database_without_tables()
        stop = threading.Event()
        # A parent tells by SIGTERM, and Ctrl-C is its own affair.
        for one in (signal.SIGTERM,) if parent else (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: stop.set())
        logger.info("worker %s started", os.getpid())
        while not stop.is_set() and (parent is None or os.getppid() == parent):
            if not work(stop.is_set):
                if once:
                    break
                stop.wait(PAUSE_S)
        logger.info("worker %s stopped", os.getpid())


def work(is_stopping: Callable[[], bool]) -> bool:
    """Does one piece of every job that has something due; whether there was any. A job that fails is tried again later."""
    found_any = False
    for name, do_next in JOBS.items():
        if is_stopping():
            return found_any
        try:
            found_any = do_next() or found_any
        except Error:
            logger.exception("worker: %s failed", name)
    connections.close_all()  # given back while nothing is done, and replaced after a failover
    return found_any
