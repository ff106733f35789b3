"""Lock a folder for one process; the operating system releases the lock when it ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


class LockedError(Exception):
    """Report that another process holds the folder's lock."""


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder's lock; raises LockedError when another process holds it."""
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise LockedError(f"{folder} is in use by another process") from None
