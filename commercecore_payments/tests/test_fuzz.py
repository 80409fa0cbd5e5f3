"""What a run of `make fuzz` makes of its parts. The playing itself is seen by CI, which plays its quick form."""

import os
from collections import Counter

import pytest

from commercecore_payments.testing.fuzz import run as runs
from commercecore_payments.testing.fuzz.findings import CASES, CHECKS, LINKS, Finding, Seen, as_line, from_line
from commercecore_payments.testing.fuzz.run import BROKEN_IN_A_ROW, ENUMERATED_FROM, Run

LONG = Finding("GET /status", "Server error", "500", "curl 'http://127.0.0.1:8000/api/v1/status?a=1&b=2'")
SHORT = Finding("GET /status", "Server error", "500 again", "curl http://127.0.0.1:8000/api/v1/status")
OTHER = Finding("GET /", "Server error", "500", "curl http://127.0.0.1:8000/api/v1")


class TestWhatPartsHaveSeen:
    def test_is_added_up_and_each_finding_told_once_by_its_shortest_line(self) -> None:
        seen = Seen()
        for finding in (LONG, SHORT, OTHER, LONG):
            part = Seen(Counter({CASES: 2, CHECKS: 30, LINKS: 1}))
            part.find(finding)
            seen.add(from_line(as_line(part)))
        assert seen.counts == {CASES: 8, CHECKS: 120, LINKS: 4}
        assert list(seen.findings.values()) == [SHORT, OTHER]


class TestARun:
    def test_ends_where_parts_break_off_again_and_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runs, "PART", "commercecore_payments.no_such_module")
        run = Run(cases=100, seconds=60, seed=7, environment=dict(os.environ))
        run.play()
        assert len(run.broken) == BROKEN_IN_A_ROW
        assert [problem.partition(":")[0] for problem in run.broken] == ["seed 7", "seed 8", "seed 9"]
        assert "no_such_module" in run.broken[0]

    def test_begins_with_the_edge_cases_where_it_is_long_and_then_changes_between_single_requests_and_walks(self) -> None:
        short, long = (Run(cases=cases, seconds=60, seed=1, environment={}) for cases in (200, ENUMERATED_FROM))
        assert [short.part_at(place)[5:] for place in range(3)] == [["fuzzing"], ["stateful"], ["fuzzing"]]
        assert [long.part_at(place)[5:] for place in range(3)] == [["examples", "coverage"], ["fuzzing"], ["stateful"]]
        assert [run.part_at(1)[:2] for run in (short, long)] == [["--cases", "100"], ["--cases", "2500"]]
