"""make audit: red for a known vulnerability, and for nothing else."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import dependency_audit
from dependency_audit import verdict

CLEAN: dict[str, Any] = {"name": "stripe", "version": "16.1.0", "vulns": []}
NOT_ASKED: dict[str, Any] = {"name": "django", "skip_reason": "Dependency not found on PyPI and could not be audited"}
FLAWED: dict[str, Any] = {
    "name": "django",
    "version": "5.2.1",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["5.2.20"]}, {"id": "CVE-2026-2", "fix_versions": []}],
}


class TestTheAudit:
    def test_is_red_for_a_known_vulnerability(self) -> None:
        assert verdict([CLEAN, FLAWED, FLAWED]) == (
            1,
            [
                "VULNERABLE django 5.2.1: PYSEC-2026-1, fixed in 5.2.20",
                "VULNERABLE django 5.2.1: CVE-2026-2, fixed in no release yet",
                "2 of 2 requirements were audited: 2 vulnerabilities.",
            ],
        )

    def test_says_how_much_nobody_knew_of(self) -> None:
        assert verdict([CLEAN, NOT_ASKED]) == (0, ["1 of 2 requirements were audited: 0 vulnerabilities."])
        assert verdict([NOT_ASKED]) == (0, ["The requirements were NOT audited: PyPI's advisories answered for none of 1."])


def answering(monkeypatch: pytest.MonkeyPatch, tools: Path, reports: Mapping[str, str | Exception]) -> list[Sequence[str]]:
    """pip-audit is installed and says this of each file; the commands that it is called by."""
    (tools / "bin").mkdir()
    (tools / "bin/pip-audit").touch()
    called: list[Sequence[str]] = []

    def run(command: Sequence[str], *, check: bool, **_: Any) -> subprocess.CompletedProcess[str]:
        called.append(command)
        report = reports[command[command.index("--requirement") + 1]]
        if isinstance(report, Exception):
            raise report
        status = int("PYSEC" in report)  # as pip-audit ends where it has found something
        if check and status:
            raise subprocess.CalledProcessError(status, command)
        return subprocess.CompletedProcess(command, status, stdout=report)

    monkeypatch.setattr(dependency_audit, "TOOLS", tools)
    monkeypatch.setattr(subprocess, "run", run)
    return called


class TestTheCommand:
    @pytest.mark.parametrize(("of_development", "status"), [(CLEAN, 0), (FLAWED, 1)])
    def test_asks_about_both_files_by_their_hashes_and_ends_with_the_verdict(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_development: dict[str, Any], status: int
    ) -> None:
        reports = {
            "requirements.txt": json.dumps({"dependencies": [CLEAN]}),
            "requirements-dev.txt": json.dumps({"dependencies": [of_development]}),
        }
        called = answering(monkeypatch, tmp_path, reports)
        assert dependency_audit.main() == status
        assert [command[command.index("--requirement") + 1] for command in called] == list(reports)
        assert all("--require-hashes" in command for command in called)

    @pytest.mark.parametrize(
        "failure",
        [OSError("no network"), subprocess.TimeoutExpired("pip-audit", 90), "no report"],
        ids=["OSError", "late", "text"],
    )
    def test_is_not_red_where_nobody_answers_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failure: str | Exception
    ) -> None:
        answering(monkeypatch, tmp_path, {"requirements.txt": failure})
        assert dependency_audit.main() == 0
        assert "The requirements were NOT audited" in capsys.readouterr().out
