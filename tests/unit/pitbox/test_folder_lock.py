"""A folder has one owner; a lock that is held for an instant keeps nobody out."""

import threading
from pathlib import Path

import pytest

from pitbox.folder_lock import LockedError, folder_lock


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    with folder_lock(tmp_path), pytest.raises(LockedError, match="in use"), folder_lock(tmp_path):
        pass


def test_an_owner_waits_for_one_who_only_looks(tmp_path: Path) -> None:
    looks, leaves = threading.Event(), threading.Event()

    def look() -> None:
        with folder_lock(tmp_path):
            looks.set()
            leaves.wait()

    looking = threading.Thread(target=look)
    looking.start()
    looks.wait()
    threading.Timer(0.1, leaves.set).start()
    with folder_lock(tmp_path, wait_s=30):
        assert leaves.is_set()
    looking.join()
