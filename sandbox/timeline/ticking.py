"""What the offline Stripe does while nobody asks it anything: due tasks, and the delivery of events."""

import logging
from threading import Event, Thread

from django.db import connections

from sandbox.resources import webhook_endpoints
from sandbox.timeline import due
from sandbox.webhooks import deliveries

logger = logging.getLogger(__name__)
# Seconds between two rounds: an event arrives about as fast as Stripe's do.
PAUSE_S = 0.5


def tick() -> None:
    """Carries out what is due and delivers what waits."""
    due.carry_out_due()
    deliveries.deliver_due()


def run(stop: Event) -> None:
    """Ticks until `stop` is set. After an error it goes on with the next round: nobody would begin it anew."""
    while not stop.is_set():
        try:
            tick()
        except Exception:  # told with its trace; a thread that ended would stop every delivery without a word
            logger.exception("The sandbox could not carry out what is due or deliver; it tries again.")
        finally:
            connections.close_all()
        stop.wait(PAUSE_S)


def start() -> Event:
    """Ticks beside a server until the process ends, or the answered event is set. Several processes may do so at once."""
    webhook_endpoints.register_own()
    stop = Event()
    Thread(target=run, args=[stop], name="sandbox", daemon=True).start()
    return stop
