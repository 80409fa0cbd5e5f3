"""The file that a command writes its result into."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from commercecore_payments.management.output import refuse_unwritable, replace_file


class TestAnOutput:
    def test_is_written_whole_or_not_at_all(self, tmp_path: Path) -> None:
        file = tmp_path / "result.json"
        with pytest.raises(ZeroDivisionError):
            replace_file(file, half())
        assert list(tmp_path.iterdir()) == []

    def test_behind_a_link_stays_behind_it(self, tmp_path: Path) -> None:
        file, name = tmp_path / "result.json", tmp_path / "latest"
        name.symlink_to(file)
        replace_file(name, ["all"])
        assert (name.is_symlink(), file.read_text()) == (True, "all")

    def test_is_read_by_whom_the_umask_says_and_goes_on_to_be_read_by_whoever_could(self, tmp_path: Path) -> None:
        new, old = tmp_path / "new", tmp_path / "old"
        old.touch()
        old.chmod(0o604)
        umask = os.umask(0o027)
        try:
            replace_file(new, ["all"])
            replace_file(old, ["all"])
        finally:
            os.umask(umask)
        assert [file.stat().st_mode & 0o777 for file in (new, old)] == [0o640, 0o604]

    def test_behind_a_link_to_itself_takes_its_place(self, tmp_path: Path) -> None:
        loop = tmp_path / "loop"
        loop.symlink_to(loop)
        refuse_unwritable(loop)
        replace_file(loop, ["all"])
        assert (loop.is_symlink(), loop.read_text()) == (False, "all")

    def test_that_is_no_file_is_written_to_and_stays_what_it_is(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        refuse_unwritable(pipe)
        replace_file(pipe, ["all"])
        assert (os.read(reader, 9), pipe.is_fifo()) == (b"all", True)
        os.close(reader)

    def test_is_tried_without_a_trace(self, tmp_path: Path) -> None:
        refuse_unwritable(tmp_path / "result.json")
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(IsADirectoryError):
            refuse_unwritable(tmp_path)


def half() -> Iterator[str]:
    yield "half"
    raise ZeroDivisionError
