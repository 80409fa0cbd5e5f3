"""The chart of drift over time: how many differences each day's comparison found."""

from datetime import date, timedelta

from commercecore_payments.admin.charts import Chart, bars
from commercecore_payments.admin.display import EMPTY, link_to
from commercecore_payments.admin.records import RelatedTable
from commercecore_payments.clock import now
from figures.operations import SHOWN_DAYS
from reconciliation.models import Run


def drift_chart() -> Chart | None:
    """The last comparison that was finished on each day; None where there was none in SHOWN_DAYS days."""
    today = now().date()
    days = [today - timedelta(days=ago) for ago in reversed(range(SHOWN_DAYS))]
    latest = _latest_by_day(days[0])
    if not latest:
        return None
    found = [latest[day].total_differences if day in latest else None for day in days]
    highest = max(number or 0 for number in found)
    texts = ["no comparison" if number is None else f"{number:,} found" for number in found]
    rows = [(str(day), _cell(latest.get(day))) for day in reversed(days)]
    values = [float(number) if number is not None else None for number in found]
    return Chart(
        name="drift",
        title="Differences found by day",
        summary=f"{len(latest)} of {SHOWN_DAYS} days were compared; the most differences found on one of them were {highest:,}.",
        bars=bars(days, values, texts, top=float(highest)),
        top=f"{highest:,}",
        first_day=str(days[0]),
        last_day=str(days[-1]),
        table=RelatedTable("", ("Day", "Differences"), rows),
    )


def _latest_by_day(since: date) -> dict[date, Run]:
    finished = Run.objects.filter(status=Run.Status.FINISHED, started_at__date__gte=since).order_by("started_at", "pk")
    return {run.started_at.date(): run for run in finished}


def _cell(run: Run | None) -> str:
    return EMPTY if run is None else link_to(Run, run.pk, f"{run.total_differences:,}")
