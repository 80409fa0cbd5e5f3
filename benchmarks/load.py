"""Callers that ask for one payment after the other, and what they were served.

They call the application itself, as a WSGI server's threads do, and not over sockets: what is measured is the service, and
the generator of its load costs next to nothing of the processor that both share.
"""

import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

PATH = "/api/v1/transactions"
CREATED = 201

Application = Callable[..., Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose payments are asked for: a developer's token and app, and the sellers (`acct_…`) that the threads share."""

    token: str
    app_id: str
    sellers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Load:
    """How many threads ask, and for how long: the window of `seconds` begins after `warm_up_s`.

    `spread_s` is the time over which the threads begin, one after the other: they would otherwise ask in bursts.
    """

    threads: int
    seconds: float
    warm_up_s: float
    spread_s: float
    with_keys: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """One request: when it began and ended, in seconds of the monotonic clock, and the status that it was answered with."""

    begin: float
    end: float
    status: int

    def share_within(self, begin: float, end: float) -> float:
        """Which part of the request lies in a window. So a rate does not depend on where the window cuts the last ones."""
        return max(0.0, min(self.end, end) - max(self.begin, begin)) / (self.end - self.begin)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one round served: payments per second, requests that failed, processor time per second, and latencies."""

    requests_per_s: float
    failed: int
    cpu_s_per_s: float
    latencies_s: Sequence[float]

    @property
    def p50_s(self) -> float:
        return percentile(sorted(self.latencies_s), 0.50)

    @property
    def p99_s(self) -> float:
        return percentile(sorted(self.latencies_s), 0.99)

    @property
    def cpu_s_per_request(self) -> float:
        return self.cpu_s_per_s / self.requests_per_s if self.requests_per_s else 0.0

    def as_dict(self) -> dict[str, float]:
        names = ("requests_per_s", "failed", "p50_s", "p99_s", "cpu_s_per_s", "cpu_s_per_request")
        return {name: getattr(self, name) for name in names}


def together(measured: Sequence[Measurement]) -> Measurement:
    """What several processes served at the same time."""
    return Measurement(
        requests_per_s=sum(one.requests_per_s for one in measured),
        failed=sum(one.failed for one in measured),
        cpu_s_per_s=sum(one.cpu_s_per_s for one in measured),
        latencies_s=[latency for one in measured for latency in one.latencies_s],
    )


def measure(application: Application, caller: Caller, load: Load) -> Measurement:
    """Serves `load`, and measures its window. Raises what a thread raised."""
    begin = time.monotonic() + load.warm_up_s
    end = begin + load.seconds
    with ThreadPoolExecutor(load.threads) as pool:
        threads = [pool.submit(_ask_until, end, application, caller, load, number) for number in range(load.threads)]
        cpu_s = _cpu_between(begin, end)
        served = [request for thread in threads for request in thread.result()]
    return _measurement(served, begin, end, cpu_s)


def _cpu_between(begin: float, end: float) -> float:
    """Seconds of processor time that this process spends in the window, all its threads together."""
    time.sleep(max(0.0, begin - time.monotonic()))
    before = time.process_time()
    time.sleep(max(0.0, end - time.monotonic()))
    return time.process_time() - before


def _ask_until(end: float, application: Application, caller: Caller, load: Load, thread: int) -> list[Served]:
    served = []
    time.sleep(load.spread_s * thread / load.threads)
    seller = caller.sellers[thread % len(caller.sellers)]
    for number in count():
        begin = time.monotonic()
        if begin >= end:
            break
        status = create_payment(application, caller, seller=seller, order_id=f"{thread}-{number}", with_key=load.with_keys)
        served.append(Served(begin, time.monotonic(), status))
    return served


def create_payment(application: Application, caller: Caller, *, seller: str, order_id: str, with_key: bool = False) -> int:
    """Asks for the payment of a new order, reads the answer to its end as a server does, and returns its status."""
    body = json.dumps({"order_id": order_id, "account_id": seller, "amount": 1000}).encode()
    statuses: list[str] = []
    answer = application(_environ(caller, body, f"key-{seller}-{order_id}" if with_key else ""), _start_response(statuses))
    try:
        b"".join(answer)
    finally:
        close = getattr(answer, "close", None)  # where the application ends the request, and gives its connection back
        if close is not None:
            close()
    return int(statuses[0].split()[0])


def _start_response(statuses: list[str]) -> Callable[..., None]:
    def start_response(status: str, headers: object, exc_info: object = None) -> None:  # noqa: ARG001 - PEP 3333
        statuses.append(status)

    return start_response


def _environ(caller: Caller, body: bytes, idempotency_key: str) -> dict[str, Any]:
    """The request as a WSGI server hands it over (PEP 3333)."""
    key = {"HTTP_IDEMPOTENCY_KEY": idempotency_key} if idempotency_key else {}
    return key | {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_X_DEVELOPER_TOKEN": caller.token,
        "HTTP_X_APP_ID": caller.app_id,
        "HTTP_X_USER_ID": "usr_benchmark",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _measurement(served: list[Served], begin: float, end: float, cpu_s: float) -> Measurement:
    created = [request for request in served if request.status == CREATED]
    within = sum(request.share_within(begin, end) for request in created)
    return Measurement(
        requests_per_s=within / (end - begin),
        failed=len(served) - len(created),
        cpu_s_per_s=cpu_s / (end - begin),
        latencies_s=[request.end - request.begin for request in created if begin <= request.end <= end],
    )


def percentile(ascending: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 where there are none."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))] if ascending else 0.0
