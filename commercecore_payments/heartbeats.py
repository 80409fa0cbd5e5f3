"""Workers say that they are alive, so that it is seen where none is."""

import logging
import os
import socket
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import Error, connections
from django.db.models import QuerySet

from commercecore_payments.clock import database_now, elapsed_s
from commercecore_payments.models import WorkerHeartbeat
from commercecore_payments.work import threads

logger = logging.getLogger(__name__)

# Seconds between two signs of life: often enough that a dead worker is noticed within two minutes, and two rows' writes a minute
# are nothing to a database.
BEAT_S = 30
# Signs that may be missed, as while the machine is busy.
MISSED = 3
# What has not been seen for so long says nothing any more; until then it tells which workers there were.
KEPT_FOR = timedelta(days=1)


class Heartbeat:
    """The signs of life of this process."""

    def __init__(self) -> None:
        self._row = WorkerHeartbeat(host=socket.gethostname()[:255], pid=os.getpid(), groups=sorted(set(threads())))
        self._next_s = 0.0

    def beat_when_due(self) -> None:
        """A sign of life, where the last one is BEAT_S ago. A database that fails is no reason to stop working."""
        if elapsed_s() < self._next_s:
            return
        self._next_s = elapsed_s() + BEAT_S
        if settings.WORKER_ALIVE_FILE:
            Path(settings.WORKER_ALIVE_FILE).touch()
        try:
            self._beat()
        except Error:
            logger.exception("worker: no sign of life could be written")
        connections.close_all()  # given back until the next one, and replaced after a failover

    def end(self) -> None:
        """The process ends as it should: nobody has to look for it."""
        try:
            WorkerHeartbeat.objects.filter(pk=self._row.pk).delete()
        except Error:
            logger.exception("worker: its end could not be written")

    def _beat(self) -> None:
        moment = database_now()
        if not WorkerHeartbeat.objects.filter(pk=self._row.pk).update(last_seen_at=moment):
            self._row.started_at = self._row.last_seen_at = moment
            self._row.save(force_insert=True)
        WorkerHeartbeat.objects.filter(last_seen_at__lt=moment - KEPT_FOR).delete()


def seen_lately() -> QuerySet[WorkerHeartbeat]:
    """The workers that are alive, as far as can be told: those that said so within MISSED beats."""
    workers: QuerySet[WorkerHeartbeat] = WorkerHeartbeat.objects.filter(
        last_seen_at__gt=database_now() - timedelta(seconds=MISSED * BEAT_S)
    )
    return workers
