"""How gunicorn serves the application. It reads this file by itself; each number can be set in the environment."""

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import Any

from structlog.contextvars import clear_contextvars

from commercecore_payments import draining
from commercecore_payments.metrics.processes import clean_metrics, forget_process, remove_metrics, share_metrics


def _number(name: str, default: float) -> float:
    """Of the environment. Ends with one sentence where it is none, before anything is started."""
    try:
        return float(os.environ.get(name) or default)
    except ValueError:
        sys.exit(f"Configuration: {name} has to be a number.")


def _whole_number(name: str, default: int) -> int:
    """As `_number`."""
    try:
        return int(os.environ.get(name) or default)
    except ValueError:
        sys.exit(f"Configuration: {name} has to be a whole number.")


wsgi_app = "commercecore_payments.wsgi:application"
bind = f"{os.environ.get('BIND_ADDRESS') or '127.0.0.1'}:{os.environ.get('PORT') or 8000}"

# Requests wait for Stripe most of their time, so threads serve them. Two processes use two cores; 32 requests at once
# are what a pool of eight database connections a process serves without queueing, since none is held during a call.
worker_class = "gthread"
workers = _whole_number("WEB_WORKERS", 2)
threads = _whole_number("WEB_THREADS", 16)
# Each worker loads the application itself: a database pool that was opened before the fork would be shared by two processes.
preload_app = False

# gunicorn's `timeout` bounds no gthread request, it only notices a process that hangs as a whole. What bounds a request
# is the budget of its calls to Stripe. The longest makes four: what was left open is ended by a sending and a look, then a
# card is cloned and the payment confirmed. A stopping worker waits longer.
timeout = 60
graceful_timeout = 4 * int(_number("STRIPE_TIMEOUT_S", 30) + 5) + 15
# Seconds between SIGTERM and the beginning of that: `/readyz` says 503, and requests are still served, until the load balancers
# have noticed and send no more. 0 where nothing balances: `make run` ends at once. A second SIGTERM ends the wait.
_drain_s = _number("DRAIN_S", 0)
# Seconds an idle connection is kept, at no cost of a thread. Behind a proxy that keeps its connections it has to be more than the
# proxy's own idle time, or the proxy now and then sends a request into a connection that was just closed. A stopping worker
# waits for two seconds at most for what is on its way on such a connection.
keepalive = _whole_number("KEEPALIVE_S", 5)
# Connections that wait to be accepted; gunicorn's default is 2048. It bounds no wait: each process accepts 1,000 connections
# (gunicorn's worker_connections) and queues the requests for which it has no thread. Where these places are taken too, Linux
# drops what comes, and its sender repeats it for as long as it likes (tcp(7), tcp_abort_on_overflow).
backlog = 512
# No worker is replaced after so many requests: that hides leaks, and there are none (`python -m proofs many` measures it).
max_requests = 0

# Bounds for a request's head. The largest header we expect is a JSON Web Token of about 2 KB.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

logger_class = "commercecore_payments.access_log.HidingLogger"
# No proxy of ours rewrites the path: what a request says of SCRIPT_NAME is a stranger's word.
forwarder_headers = ""
accesslog = "-" if os.environ.get("ACCESS_LOG") == "1" else None
loglevel = "warning"  # its own notices of starting and stopping; the application's log is Django's
# The control interface would leave a socket in the home folder, the same for every service of the user.
control_socket_disable = True


share_metrics()


def on_starting(server: Any) -> None:
    clean_metrics()


def post_request(worker: Any, req: Any, environ: Any, resp: Any) -> None:
    clear_contextvars()  # what the thread logs next is of another request, or of none


def child_exit(server: Any, worker: Any) -> None:
    forget_process(worker.pid)


# The worker that `manage.py serve` wants beside the web server: recovery and what else is due. In production it is a
# service of its own, and as many as are wanted.
_worker: list["subprocess.Popen[bytes]"] = []


def when_ready(server: Any) -> None:
    """Says that the service listens, and what `manage.py serve` wanted said then; starts its worker."""
    if os.environ.pop("COMMERCECORE_START_WORKER", ""):
        command = [sys.executable, "manage.py", "worker", "--parent", str(os.getpid())]
        # Ctrl-C reaches every process of a terminal: this one waits for the SIGTERM of on_exit.
        _worker.append(subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)))  # noqa: PLW1509
    _drain_before_stopping(server)
    print(os.environ.pop("COMMERCECORE_READY_MESSAGE", f"CommerceCore Payments listens on {bind}."), flush=True)


def _drain_before_stopping(server: Any) -> None:
    """Puts the drain before gunicorn's own handling of SIGTERM, which closes the listening socket at once.

    `server.signal` queues a signal for the master's loop, which meanwhile goes on to watch its workers.
    """

    def begin(number: int, frame: FrameType | None) -> None:
        if not _drain_s or draining.has_begun():
            server.signal(number, frame)
            return
        draining.begin()
        signal.setitimer(signal.ITIMER_REAL, _drain_s)

    signal.signal(signal.SIGALRM, lambda _, frame: server.signal(signal.SIGTERM, frame))
    signal.signal(signal.SIGTERM, begin)


def on_exit(server: Any) -> None:
    """Ends the worker, which finishes what it has begun."""
    for worker in _worker:
        worker.terminate()
        worker.wait()
    remove_metrics()


def post_worker_init(worker: Any) -> None:
    """Makes Ctrl-C end a worker as SIGTERM does: what it has begun is finished, what is idle ends at once.

    gunicorn's own way of stopping without grace waits for a lock that the worker itself may hold while it hands a
    connection to a thread (seen with 27.0.1): such a worker would hang until graceful_timeout.
    """
    signal.signal(signal.SIGINT, worker.handle_exit)
    signal.signal(signal.SIGQUIT, worker.handle_exit)
    _run_sandbox()


def _run_sandbox() -> None:
    """Lets the sandbox deliver its events and do what is due in a thread beside the requests, where there is a sandbox."""
    from django.conf import settings  # noqa: PLC0415 - the application is loaded by now, and not earlier

    if settings.STRIPE_SANDBOX:
        from sandbox.timeline import ticking  # noqa: PLC0415 - nothing of the sandbox is loaded beside a real Stripe

        ticking.start()
