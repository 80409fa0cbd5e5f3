"""`python -m proofs`: what cannot be meant is refused, and nothing is proven by playing nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from proofs import __main__ as command
from proofs.races import RACES
from proofs.report import PROJECT_DIR, STEPS, Options, Part
from proofs.scenes import CASES

# Seconds that a process may take to start, or to end, on a machine that is busy with other tests.
PATIENCE_S = 60
# No server listens there.
NOBODY = "postgres://nobody@127.0.0.1:1/nothing"

REFUSED = [
    (["crash", "--operation", "nonsense"], "crash knows no operation 'nonsense', but: create_account, delete_account"),
    (["races", "--operation", "confirm"], "races knows no operation 'confirm', but: same_key_creates, same_key_confirms"),
    (["mutations", "--operation", "confirm"], "mutations knows no operation 'confirm', but: timeout_stored_as_failure"),
    (["crash", "--operation", ""], "crash knows no operation '', but: create_account"),
    (["crash", "--operation", "confirm", "--point", "0"], "argument --point: has to be at least 1"),
    (["crash", "--point", "17"], "--point needs --operation"),
    (["crash", "--sample", "1"], "--sample needs --quick"),
    (["crash", "--quick", "--sample", "-1"], "argument --sample: has to be at least 0"),
    (["simulation", "--seeds", "0"], "argument --seeds: has to be at least 1"),
    (["simulation", "--seeds", "many"], "argument --seeds: invalid number value: 'many'"),
    (["simulation", "--steps", "0"], "argument --steps: has to be at least 1"),
    (["simulation", "--processes", "0"], "argument --processes: has to be at least 1"),
    (["simulation", "--first-seed", "0"], "argument --first-seed: has to be at least 1"),
    (["simulation", "--seed", "-1"], "argument --seed: has to be at least 1"),
    (["simulation", "--seed", "7", "--seeds", "3"], "--seed plays one seed alone: --seeds does not go with it"),
    (["simulation", "--long", "--seed", "7"], "--seed plays one seed alone: --long does not go with it"),
    (
        ["crash", "--quick", "--operation", "confirm", "--point", "3"],
        "--point plays one point alone: --quick does not go with it",
    ),
    (["races", "--operation", "same_key_creates", "--point", "3"], "--point is no option of races"),
    (["crash", "--seeds", "3"], "--seeds is no option of crash"),
    (["simulation", "--operation", "confirm"], "--operation is no option of simulation"),
    (["mutations", "--long"], "--long is no option of mutations"),
    (["--operation", "confirm"], "--operation is no option of all: name the part"),
    (["all", "--seed", "7"], "--seed is no option of all: name the part"),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Options]]:
    """What the parts were asked, each of which plays one thing and finds nothing."""
    seen: list[tuple[str, Options]] = []

    def play(name: str, options: Options) -> Part:
        seen.append((name, options))
        return Part(name, played=1)

    monkeypatch.setattr(command, "_one", play)
    return seen


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of what is said on stderr."""
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


class TestACommandLine:
    @pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
    def test_that_cannot_be_meant_is_refused(
        self, asked: list[tuple[str, Options]], capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
    ) -> None:
        assert refused(arguments, capsys).startswith(f"python -m proofs: error: {sentence}")
        assert asked == []

    def test_asks_one_part_for_what_it_names(self, asked: list[tuple[str, Options]], tmp_path: Path) -> None:
        assert command.main(["crash", "--operation", "confirm", "--point", "17", "--output", str(tmp_path)]) == 0
        [(name, options)] = asked
        assert (name, options.operation, options.point, options.output_dir) == ("crash", "confirm", 17, tmp_path)

    @pytest.mark.parametrize(
        ("form", "seeds"), [([], 60), (["--quick"], 20), (["--long"], 2000), (["--quick", "--seeds", "3"], 3)]
    )
    def test_tells_the_number_of_seeds_by_the_form_unless_it_is_given(
        self, asked: list[tuple[str, Options]], tmp_path: Path, form: list[str], seeds: int
    ) -> None:
        assert command.main(["simulation", *form, "--output", str(tmp_path)]) == 0
        [(_, options)] = asked
        assert (options.seeds, options.steps, options.first_seed) == (seeds, STEPS, 1)

    def test_hands_each_part_what_that_part_can_be_asked(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        ran: list[list[str]] = []
        monkeypatch.setattr(command, "_run", ran.append)
        assert command.main(["--quick", "--sample", "1", "--seeds", "3", f"--output={tmp_path}"]) == 1  # they told nothing
        assert ran == [
            ["crash", "--quick", "--sample=1", f"--output={tmp_path}"],
            ["simulation", "--quick", "--seeds=3", f"--output={tmp_path}"],
            ["races", "--quick", f"--output={tmp_path}"],
            ["deliveries", "--quick", f"--output={tmp_path}"],
            ["drift", "--quick", f"--output={tmp_path}"],
            ["mutations", f"--output={tmp_path}"],
        ]

    def test_names_the_known_operations_in_its_help(self) -> None:
        answer = subprocess.run([sys.executable, "-m", "proofs", "--help"], cwd=PROJECT_DIR, capture_output=True, text=True)
        words = answer.stdout.replace(",", " ").split()
        assert {case.name for case in CASES} | {race.name for race in RACES} | {"no_fence"} <= set(words)


class TestTheEnd:
    @pytest.mark.parametrize(
        ("part", "status", "verdict"),
        [
            (Part("crash", played=1), 0, "Proven"),
            (Part("crash", played=1, violations=["a buyer was charged twice"]), 1, "VIOLATED"),
            (Part("crash", violations=["it ended with status 1"]), 1, "VIOLATED"),
            (Part("crash"), 2, "NOTHING WAS PLAYED"),
        ],
    )
    def test_proves_something_only_where_something_was_played(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        tmp_path: Path,
        part: Part,
        status: int,
        verdict: str,
    ) -> None:
        monkeypatch.setattr(command, "_one", lambda name, options: part)
        assert command.main(["crash", "--output", str(tmp_path)]) == status
        assert capsys.readouterr().out.splitlines()[-1].startswith(f"{verdict}; ")

    def test_says_on_stderr_why_nothing_was_played(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        monkeypatch.setattr(command, "_one", lambda name, options: Part("crash sweep", unplayed="confirm has 3 crash points"))
        assert command.main(["crash", "--operation", "confirm", "--point", "17", "--output", str(tmp_path)]) == 2
        assert capsys.readouterr().err == "crash sweep: nothing was played: confirm has 3 crash points\n"
        assert json.loads((tmp_path / "crash.json").read_text())["parts"][0]["unplayed"] == "confirm has 3 crash points"


class TestARunThatIsEnded:
    @pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("part", ["crash", "all"])
    def test_leaves_no_process_behind(self, tmp_path: Path, part: str, ending: signal.Signals) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "proofs", part, "--long", "--output", str(tmp_path)],
            cwd=PROJECT_DIR,
            env={**os.environ, "PROOF_POSTGRES_URL": NOBODY},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            sweep = wait_for(lambda: next((pid for pid in descendants(process.pid) if "sqlite" in command_of(pid)), None))
            process.send_signal(ending)
            _, said = process.communicate(timeout=PATIENCE_S)
            assert (process.returncode, "Traceback" in said) == (128 + ending, False)
            assert not Path(f"/proc/{sweep}").exists()
        finally:
            with suppress(ProcessLookupError):  # nothing is left of it
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(look: Any) -> Any:
    """What a look finds, as soon as it finds something."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("It did not come.")


def descendants(pid: int) -> Iterator[int]:
    """The processes that it has started, and theirs."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield int(child)
            yield from descendants(int(child))


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:  # it has ended meanwhile
        return []
