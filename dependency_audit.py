"""`make audit`: asks PyPI's advisories about every pinned requirement. Its tools have a place of their own, in .venv/audit.

It ends with 1 where a requirement has a known vulnerability. Where PyPI, or its advisories, cannot be reached it says so and ends
with 0: whether a commit is good must not hang on a service of somebody else's.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOOLS = Path(".venv/audit")
PIP_AUDIT = "pip-audit==2.10.1"
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
# Seconds: for the tools' installation, and for the questions about a hundred packages. More is a network that does not work.
INSTALLATION_S, QUESTIONS_S = 90, 90


def main() -> int:
    """The exit status."""
    try:
        install()
        reports = [ask(requirements) for requirements in REQUIREMENTS]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        print(f"The requirements were NOT audited: {type(error).__name__}. PyPI could not be reached, or gave no answer.")
        return 0
    status, lines = verdict([dependency for report in reports for dependency in report["dependencies"]])
    print("\n".join(lines))
    return status


def install() -> None:
    """Raises OSError and subprocess.SubprocessError."""
    if not (TOOLS / "bin/pip-audit").exists():
        subprocess.run([sys.executable, "-m", "venv", str(TOOLS)], check=True, timeout=INSTALLATION_S)
        pip = [str(TOOLS / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", PIP_AUDIT]
        subprocess.run(pip, check=True, timeout=INSTALLATION_S)


def ask(requirements: str) -> Mapping[str, Any]:
    """What pip-audit reports of one file. Raises OSError, subprocess.SubprocessError, and ValueError where that is no report."""
    command = [str(TOOLS / "bin/pip-audit"), "--require-hashes", "--disable-pip", "--requirement", requirements]
    options = ["--format", "json", "--progress-spinner", "off"]
    run = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, timeout=QUESTIONS_S, check=False)
    report: Mapping[str, Any] = json.loads(run.stdout)
    return report


def verdict(dependencies: list[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """The exit status, and what to say: each vulnerability, and how many of the requirements anybody knew of."""
    by_name = {dependency["name"]: dependency for dependency in dependencies}
    known = [dependency for dependency in by_name.values() if "skip_reason" not in dependency]
    found = [
        f"VULNERABLE {one['name']} {one['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'no release yet'}"
        for one in known
        for flaw in one["vulns"]
    ]
    if not known:
        return 0, [f"The requirements were NOT audited: PyPI's advisories answered for none of {len(by_name)}."]
    return int(bool(found)), [*found, f"{len(known)} of {len(by_name)} requirements were audited: {len(found)} vulnerabilities."]


if __name__ == "__main__":
    sys.exit(main())
