"""make audit: red for a known vulnerability, and for nothing else."""

from typing import Any

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
