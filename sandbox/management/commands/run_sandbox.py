"""`manage.py run_sandbox`: due tasks and deliveries of events, where no web server of ours does them."""

import signal
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sandbox.timeline import ticking


class Command(BaseCommand):
    help = "Carries out what the offline Stripe has to do and delivers its events, until it is stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round, and the end.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.STRIPE_SANDBOX:
            raise CommandError("There is no sandbox here: STRIPE_SANDBOX is off.")
        if options["once"]:
            ticking.tick()
            return
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        ticking.run(stop)
