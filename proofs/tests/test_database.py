"""The folders of the proofs: one that a killed run has left is removed by the next, and no other."""

import fcntl
import os
from pathlib import Path

from proofs.database import ABANDONED_AFTER_S, LOCK, PREFIX, remove_abandoned


def folder_of_age(parent: Path, name: str, seconds: float) -> Path:
    folder = parent / name
    folder.mkdir()
    (folder / "db.sqlite3").touch()
    (folder / LOCK).touch()
    then = folder.stat().st_mtime - seconds
    os.utime(folder, (then, then))
    return folder


class TestAFolderOfTheProofs:
    def test_is_removed_once_its_process_is_gone(self, tmp_path: Path) -> None:
        folder = folder_of_age(tmp_path, f"{PREFIX}left", ABANDONED_AFTER_S + 10)
        remove_abandoned(tmp_path)
        assert not folder.exists()

    def test_stays_while_its_process_holds_it(self, tmp_path: Path) -> None:
        folder = folder_of_age(tmp_path, f"{PREFIX}held", ABANDONED_AFTER_S + 10)
        descriptor = os.open(folder / LOCK, os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        remove_abandoned(tmp_path)
        assert (folder / "db.sqlite3").exists()
        os.close(descriptor)

    def test_stays_while_it_may_be_in_the_making_and_so_does_anybody_elses(self, tmp_path: Path) -> None:
        new = folder_of_age(tmp_path, f"{PREFIX}new", 0)
        others = folder_of_age(tmp_path, "somebody-elses", ABANDONED_AFTER_S + 10)
        remove_abandoned(tmp_path)
        assert new.exists()
        assert others.exists()
