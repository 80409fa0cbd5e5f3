"""Charts of days, drawn by the server as SVG: they need no script and no network, and take their colours from admin.css."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from commercecore_payments.admin.records import RelatedTable

# In the units of the drawing, which is as wide as its place: room for 30 bars that can be told apart at 300 pixels.
WIDTH, HEIGHT = 600, 140
# Of a day's share of the width, what its bar leaves free.
GAP = 0.25
# A day with anything at all shows: one unit of the drawing.
LOWEST_BAR = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where its bar stands, as the attributes of a rectangle, and what is read when it is pointed at."""

    x: str
    y: str
    width: str
    height: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One number a day. `summary` says what it shows to who cannot see it; `table` holds every number and leads to the lists."""

    name: str
    title: str
    summary: str
    bars: Sequence[Bar]
    top: str
    first_day: str
    last_day: str
    table: RelatedTable
    width: int = WIDTH
    height: int = HEIGHT


def bars(days: Sequence[date], values: Sequence[float | None], texts: Sequence[str], *, top: float) -> list[Bar]:
    """A bar for each day, as high as its share of `top`; none where there is no value."""
    share = WIDTH / len(days)
    drawn = []
    for place, (day, value, text) in enumerate(zip(days, values, texts, strict=True)):
        height = max(value / top * HEIGHT, LOWEST_BAR) if value and top else 0
        x = place * share + share * GAP / 2
        drawn.append(Bar(f"{x:.1f}", f"{HEIGHT - height:.1f}", f"{share * (1 - GAP):.1f}", f"{height:.1f}", f"{day}: {text}"))
    return drawn
