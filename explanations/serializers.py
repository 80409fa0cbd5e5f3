"""An explanation as JSON: what `GET /transactions/{id}/explain` and `manage.py explain --format json` give."""

from typing import Any

from explanations.structure import Entry, Explanation
from webhooks.outbox import iso_time


def explanation_data(explanation: Explanation) -> dict[str, Any]:
    verdict = explanation.verdict
    return {
        "transaction_id": explanation.transaction_id,
        "verdict": {
            "code": verdict.code,
            "headline": verdict.headline,
            "explanation": verdict.explanation,
            "next_step": verdict.next_step,
            "waits_for": verdict.waits_for.value,
            "is_problem": verdict.is_problem,
            "remarks": list(verdict.remarks),
        },
        "facts": [{"name": name, "value": value} for name, value in explanation.facts],
        "timeline": [_entry(entry) for entry in explanation.timeline],
        "left_out": [{"what": one.what, "number": one.number, "is_at_least": one.is_at_least} for one in explanation.left_out],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": iso_time(entry.at),
        "kind": entry.kind.value,
        "text": entry.text,
        "tone": entry.tone.value,
        "is_ahead": entry.is_ahead,
        "details": [{"name": name, "value": value} for name, value in entry.details],
    }
