"""What is read from the database: the name, the meaning and the labels of each metric."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from commercecore_payments.admin.attention import SHOWN_FOR
from commercecore_payments.admin.lists import MOST_COUNTED

PREFIX = "commercecore_"
# The values of one metric: by those of its labels, in their order.
Values = Mapping[tuple[str, ...], float]
# How a metric without labels names its one value.
ONLY: tuple[str, ...] = ()
AT_MOST = f"Counted up to {MOST_COUNTED + 1:,}."


@dataclass(frozen=True, slots=True)
class Described:
    told: str
    labels: tuple[str, ...] = ()
    is_counter: bool = False


DESCRIBED: Mapping[str, Described] = {
    "build_info": Described(
        "1, with the environment and the versions of what runs.", ("environment", "python", "django", "stripe_api")
    ),
    "database_up": Described("1 where the database answers, else 0: then nothing is told that is read from it."),
    "reading_failed": Described("1 where a part of what is read from the database could not be read.", ("reading",)),
    "operations_open": Described(f"Writes to Stripe without a known outcome, by status. {AT_MOST}", ("status",)),
    "operation_oldest_open_age_seconds": Described("Age of the oldest of them, by status; 0 where there is none.", ("status",)),
    "operation_oldest_due_age_seconds": Described("For how long recovery should have taken up the one that is longest due."),
    "stripe_events_unapplied": Described(
        f"Stripe's events that are not applied, by status; quarantined ones of {SHOWN_FOR.days} days. {AT_MOST}", ("status",)
    ),
    "stripe_event_oldest_pending_age_seconds": Described("Since when the oldest pending one has been here."),
    "stripe_event_oldest_due_age_seconds": Described("For how long a worker should have applied the one that is longest due."),
    "deliveries_pending": Described(f"Deliveries of events to consumers that have not ended. {AT_MOST}"),
    "delivery_oldest_due_age_seconds": Described(
        "For how long a delivery has been due, at endpoints that work and at those at which nothing arrives.", ("endpoints",)
    ),
    "events_written": Described("Events that were written for the apps.", is_counter=True),
    "deliveries_planned": Described("Deliveries that were planned; without the pending ones those that ended.", is_counter=True),
    "webhook_endpoints": Described(
        "Consumers' endpoints: enabled ones, those of them at which nothing arrives, and those switched off for it.", ("state",)
    ),
    "reconciliation_last_finished_age_seconds": Described(
        "Since when the last comparison of everything has been finished; missing where none was."
    ),
    "reconciliation_open_cases": Described(f"Differences from Stripe's books that nobody has decided. {AT_MOST}", ("type",)),
    "reconciliation_at_stake_minor_units": Described("The money at stake in them, by currency.", ("currency",)),
    "workers_alive": Described("Processes of manage.py worker that said lately that they are alive."),
    "decisions_waiting": Described(f"What waits for a decision of the staff or of a seller. {AT_MOST}", ("decision",)),
}


def families(values: Mapping[str, Values]) -> Iterator[Metric]:
    """The metrics as prometheus_client takes them."""
    for name, labelled in values.items():
        described = DESCRIBED[name]
        of_kind = CounterMetricFamily if described.is_counter else GaugeMetricFamily
        family = of_kind(PREFIX + name, described.told, labels=described.labels)
        for labels, value in labelled.items():
            family.add_metric(labels, value)
        yield family
