"""An explanation as text, for a terminal."""

import textwrap
from collections.abc import Iterator

from commercecore_payments.management.terminal import printable
from explanations.structure import Entry, Explanation, Tone, WaitsFor

WIDTH = 110
# In the first column of a line, so that what went wrong is found at a glance.
SIGNS = {Tone.GOOD: "+", Tone.BAD: "!", Tone.WAITING: "…", Tone.QUIET: " "}
WAITS = {
    WaitsFor.BUYER: "the buyer",
    WaitsFor.SELLER: "the seller",
    WaitsFor.US: "us: operations or the app",
    WaitsFor.STRIPE: "Stripe or a bank",
    WaitsFor.NOBODY: "nobody",
}


def explanation_text(explanation: Explanation, *, title: str) -> str:
    """Its lines, each of them in one line: what apps, receivers and banks have written in it does nothing to the terminal."""
    return "\n".join(printable(line) for line in _lines(explanation, title)) + "\n"


def _lines(explanation: Explanation, title: str) -> Iterator[str]:
    verdict = explanation.verdict
    yield f"{title}: {verdict.headline}."
    yield ""
    yield from textwrap.wrap(verdict.explanation, WIDTH)
    yield from textwrap.wrap(f"What to do: {verdict.next_step}", WIDTH)
    yield f"It waits for {WAITS[verdict.waits_for]}."
    for remark in verdict.remarks:
        yield from textwrap.wrap(f"Besides: {remark}", WIDTH)
    yield ""
    yield from (f"{name + ':':<18}{value}" for name, value in explanation.facts)
    yield ""
    for left_out in explanation.left_out:
        yield f"Not read: {left_out}."
    for entry in explanation.timeline:
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    moment = f"{entry.at:%Y-%m-%d %H:%M:%S}"
    ahead = "(still to come) " if entry.is_ahead else ""
    margin = " " * (len(moment) + 4)
    text = textwrap.wrap(f"{ahead}{entry.text}", WIDTH, initial_indent=f"{moment} {SIGNS[entry.tone]} ", subsequent_indent=margin)
    yield from text
    if entry.details:
        details = "; ".join(f"{name} {value}" for name, value in entry.details)
        yield from textwrap.wrap(details, WIDTH, initial_indent=margin, subsequent_indent=margin)
