"""What a fleet's processes and queues come to while it works: memory and ages, every ten seconds, and whether they stay flat."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, linear_regression
from threading import Event
from typing import Any

from django.db import OperationalError, connection, connections

from proofs.fleet import Fleet, Member

# Seconds between two samples.
EVERY_S = 10.0
# Below so many samples in the second half (two and a half minutes) a slope says nothing, and none is judged.
FEWEST = 15
# By so much may a process that is not killed grow over the second half: a tenth, or 8 MB of what allocators keep for themselves.
GROWTH_SHARE, GROWTH_MB = 0.10, 8.0
# By so many seconds may what waits be older at the end of the second half than at its beginning: four pauses of a worker, and the
# lease of one that was killed.
AGEING_S = 65.0
# For how long the longest has waited that could have been taken up, of each queue.
_AGES = """
SELECT
  (SELECT extract(epoch FROM now() - min(next_recovery_at)) FROM gateway_operation
    WHERE next_recovery_at < now() AND closed_at IS NULL AND status <> 'needs_review'),
  (SELECT extract(epoch FROM now() - min(next_attempt_at)) FROM stripe_events_stripeevent
    WHERE status = 'pending' AND next_attempt_at < now()),
  (SELECT extract(epoch FROM now() - min(next_attempt_at)) FROM webhooks_delivery
    WHERE status = 'pending' AND next_attempt_at < now())
"""
QUEUES = ("operations", "Stripe's events", "deliveries")


@dataclass(frozen=True, slots=True)
class Sample:
    """`at_s`: seconds since the beginning; megabytes of resident memory by the member's name; seconds of age by the queue's."""

    at_s: float
    memory_mb: dict[str, float]
    age_s: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def watch(fleet: Fleet, is_over: Event, samples: list[Sample]) -> None:
    """Adds a sample every EVERY_S seconds until it is over; none where the database ended the session, as by a failover."""
    started = time.monotonic()
    while not is_over.wait(EVERY_S):
        memory = {member.name: _memory_mb(member) for member in fleet.members}
        try:
            samples.append(Sample(round(time.monotonic() - started, 1), memory, _ages()))
        except OperationalError:
            continue
        finally:
            connections.close_all()


def _memory_mb(member: Member) -> float:
    """Of all its processes; 0 while it is being replaced."""
    return round(sum(_resident_kb(pid) for pid in member.pids()) / 1024, 1)


def _resident_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended meanwhile
        return 0
    found = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(found.split()[1])


def _ages() -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(_AGES)
        return {name: round(float(age or 0), 1) for name, age in zip(QUEUES, cursor.fetchone(), strict=True)}


def not_flat(samples: Sequence[Sample], spared: Sequence[str]) -> list[str]:
    """What grew over the second half: the memory of the members that nobody killed, and the ages. Nothing where it was short."""
    half = samples[len(samples) // 2 :]
    if len(half) < FEWEST:
        return []
    found = []
    for name in spared:
        sizes = [sample.memory_mb[name] for sample in half]
        if (growth := _growth(half, sizes)) > max(GROWTH_MB, GROWTH_SHARE * fmean(sizes)):
            found.append(f"the memory of {name} grew by {growth:.1f} MB over the second half")
    for name in QUEUES:
        if (growth := _growth(half, [sample.age_s[name] for sample in half])) > AGEING_S:
            found.append(f"what waits of {name} became {growth:.0f} s older over the second half")
    return found


def _growth(half: Sequence[Sample], values: Sequence[float]) -> float:
    """Of the straight line through the values, from its beginning to its end."""
    moments = [sample.at_s for sample in half]
    return linear_regression(moments, values).slope * (moments[-1] - moments[0])


def summary(samples: Sequence[Sample], spared: Sequence[str]) -> dict[str, str]:
    """The figures of a table: at the beginning of the second half, at the end, and the most."""
    half = samples[len(samples) // 2 :]
    told = {}
    for name in spared if half else ():
        sizes = [sample.memory_mb[name] for sample in half]
        told[f"MB of {name}: half way, at the end"] = f"{sizes[0]}, {sizes[-1]}"
    for name in QUEUES if half else ():
        ages = [sample.age_s[name] for sample in half]
        told[f"seconds overdue of {name}: mean, most"] = f"{fmean(ages):.1f}, {max(ages)}"
    return told
